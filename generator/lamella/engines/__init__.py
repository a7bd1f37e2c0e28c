"""Where work runs: on the processors or GPUs of this machine."""
