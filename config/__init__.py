"""Everything an operator may change: settings, logging, the Redis configuration."""

from pathlib import Path

REDIS_CONF = Path(__file__).with_name("redis.conf")  # for the embedded Redis and for the one in docker-compose.yml

EXIT_SETTINGS, EXIT_ACTION, EXIT_OCCUPIED, EXIT_PREFLIGHT = 2, 3, 4, 5
