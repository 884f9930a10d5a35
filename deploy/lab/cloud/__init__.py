"""The lab's control plane: MiniStack with what it lacks, in one process."""
