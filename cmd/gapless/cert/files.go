package cert

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	dirMode  = 0o700
	keyMode  = 0o600
	certMode = 0o644
)

// writePair writes a key and its certificate, both or none.
func writePair(certPath, keyPath string, der []byte, key crypto.PrivateKey) error {
	if err := os.MkdirAll(filepath.Dir(certPath), dirMode); err != nil {
		return fmt.Errorf("cert: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("cert: %s: %w", keyPath, err)
	}
	if _, err := os.Lstat(certPath); err == nil {
		return existsError(certPath)
	}
	if err := writeNew(keyPath, encode(pemKey, pkcs8), keyMode); err != nil {
		return err
	}
	if err := writeNew(certPath, encode(pemCert, der), certMode); err != nil {
		return errors.Join(err, os.Remove(keyPath))
	}
	return nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// writeNew writes a file that is not there yet.
func writeNew(path string, b []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return existsError(path)
	}
	if err != nil {
		return fmt.Errorf("cert: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cert: %s: %w", path, errors.Join(err, os.Remove(path)))
	}
	return nil
}

func existsError(path string) error {
	return fmt.Errorf("cert: %s: %w: give another directory, and move the new files over the old ones when they are to count", path, fs.ErrExist)
}
