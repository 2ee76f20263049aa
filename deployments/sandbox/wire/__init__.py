"""The HTTPS proxy, its control interface and the injected faults."""
