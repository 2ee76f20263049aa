"""The local stack: processes, Prefect server, deployments and automations."""
