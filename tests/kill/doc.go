// Package kill ends the leader with SIGKILL under load, again and again, and then asks the cluster for every frame: none that was
// acknowledged may be missing, none may be there twice, none may be invented, and the gap report must name exactly the numbers
// that were left out on purpose. GAPLESS_KILLS sets how many times (default 3).
package kill
