"""The container's drills: the images and docker-compose.yml as a user has them, with a sandbox Telegram beside them."""
