// Package faultfs is a file system for processes under test, mounted with FUSE and held in memory, which lies as disks do: it loses what was not
// synced, and fails, stalls, fills up and rots when it is told to.
//
// # Why
//
// kill -9 loses nothing that a process has written: the kernel still has it. Only a power cut shows whether a program synced what it promised, the
// file and the directory that names it; and only a sync that fails once and then succeeds shows whether the program believes the second answer. No
// kernel feature does this to one unchanged process without its own machine. A file system of our own does, and can say exactly what bit, and when.
//
// # How it is built
//
//	process under test                  test (owner of the FS)
//	   | open, write, fsync, mmap          | PowerCut, SyncError, Hang, Flip, Snapshot ...
//	   v                                   |
//	kernel: VFS, page cache, FUSE          |
//	   | one request each                  |
//	   v                                   v
//	front (front*.go)  --------------->  FS (fs.go, serve.go): one mutex
//	   decodes, encodes                    1. delays   Slow, Hang            wait.go    without the mutex
//	                                       2. refusals IOError, ReadOnly ... fault.go
//	                                       3. the model                      disk.go, inode.go, directory.go, content.go
//	                                       4. events                         event.go
//	mount.go: mount, unmount, sweep        5. the kernel forgets what changed beneath it
//
// The model knows nothing of FUSE and of faults; it is tested by itself against a reference.
//
// # The model
//
// Each file has two contents, each directory two sets of names: the live one, which processes see, and the durable one, which a power cut leaves.
//
//	                write, truncate                     create, link, unlink, rename
//	                      |                                         |
//	                      v                                         v
//	file  live     [A][B'][C ][D]  size      directory  live     {a, c}
//	      dirty        B'      D   size                 pending  [ b -> c ] [ + a ]     a change is whole: both names of a rename
//	      durable  [A][B ][C ]     size                 durable  {b}
//	                      ^                                         ^
//	                      | fsync, fdatasync of the file            | fsync of the directory
//
// What follows from which call:
//
//   - Content goes by pages of 4 KiB. A page is never changed once it is there: live, durable and snapshots share them, and a write makes a
//     new one.
//   - A sync of a file makes its dirty pages and its size durable, and no name. A sync of a directory makes its pending changes durable, in
//     order, and no content. So a new file whose directory was not synced is gone, and a renamed one is under its old name.
//   - A rename within a directory is one change. Between two directories it is one change in each: sync the target's first.
//   - Mode, owner and times are durable at once. Directories that were never synced keep 16,384 changes back at most, then the oldest become
//     durable.
//   - A sync that fails marks pages, size and names as clean and leaves durable what was durable: a later sync succeeds and does not write
//     them (what Linux does, known as fsyncgate). With drop the pages also go from the live content at once, as after the cache was short of
//     memory.
//   - A size that a failed sync did not make durable follows the data: the next synced page beyond it takes the size along, as on ext4 and
//     xfs. What was lost in between reads as zeros.
//
// # A power cut
//
// PowerCut is for after the process was killed. Lose: everything is as the last syncs left it. Random: each dirty page, each size and each
// pending change survives or not on its own, in no order but that of the changes of one name; a truncation survives as a whole. This is more
// hostile than ext4, which keeps some orders that POSIX does not promise. Torn: as Random, and of the newest page that can be torn some sectors
// survive and some do not. A directory that two directories name afterwards stays in the first, as fsck decides. Then live and durable are the
// same.
//
// Restore, Wipe and Swap change the whole disk in the same way. After each of the four the kernel knows no file of before: handles that are still
// open, and requests that were waiting, answer EIO.
//
// # Faults
//
// Each method that breaks something returns a *Fault: Bites tells how often it was felt, Clear ends it. A run in which nothing bit proves nothing.
//
//	SyncError   the next n syncs of a file or directory fail with EIO, as above
//	IOError     EIO for what reads, for what changes the disk, or for both; a sync that fails so is a failed sync too
//	Full        ENOSPC for what needs room: new pages, new names. Overwriting goes on. The size of the disk is a limit all the time
//	ReadOnly    EROFS for all changes, and for opening to write
//	Slow, Hang  what matches takes d, or waits for Release. Nothing has happened yet while it waits, and nothing does if its process is killed
//	LyingSync   a sync succeeds and does nothing
//	Flip        one bit, at rest: live and durable, at once for readers and mappings
//
// A waiting call ends when its process is killed, and not for other signals, as in real uninterruptible sleep: FUSE tells of any signal once, so
// the process is then asked for in /proc. Closing and writing back of mapped pages do not wait: nobody could be killed to end it.
//
// Events is the list of changes that were refused (syncs, writes, names) and of what was written and synced after each, for the checker of
// fail-stop. A new process begins clean:
// call NewProcess when one is started without a power cut in between.
//
// # The page cache
//
// The mount is cached and writes through: write(2) returns after the model has the bytes, so a killed process loses nothing. A page that was read
// is served by the kernel from then on, for read and for mmap alike, so they agree; what changes beneath the kernel (Flip, dropped pages, whole
// disks) it is told to forget. Names are never cached. Pages written through a shared mapping reach the model at msync, fsync or munmap, and
// until then neither Snapshot nor ReadFile shows them. flock and fcntl locks are the kernel's. O_DIRECT is refused with EINVAL. There are no
// symbolic links, no extended attributes and no holes punched.
//
// # Who may use it
//
// The test process that serves the mount may use it by system calls. It must not map its files: a goroutine in a page fault holds its processor, a
// garbage collection waits for it, and the server waits for the collection. Databases that map files belong into a child process.
//
// Root and /dev/fuse are needed. Nothing outlives the run: Mount.Close unmounts, by force if need be. When the test process is killed, the kernel
// closes its /dev/fuse, and every process that waits on the mount gets an error; what is left is a dead entry in the table of mounts. Its source
// names the process, and every Mount first calls Sweep, which removes the mounts whose process is no more.
//
// Linux only; elsewhere the package is empty.
package faultfs
