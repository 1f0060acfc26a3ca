"""Evidence: canonical bytes, hashes and signatures. Nothing here does input or output."""
