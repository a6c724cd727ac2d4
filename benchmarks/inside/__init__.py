"""What runs once the services are up and Django is ready."""
