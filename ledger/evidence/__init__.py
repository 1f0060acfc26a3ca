"""Evidence: canonical bytes, hashes, signatures, Merkle trees and signed notes. Nothing here does input or
output.
"""
