"""Everything an operator may change: settings, logging, the Redis configuration."""

from pathlib import Path

REDIS_CONF = Path(__file__).with_name("redis.conf")  # for the embedded Redis and for the one in docker-compose.yml
