"""Measurements that anybody can repeat; each prints machine, versions and figures."""
