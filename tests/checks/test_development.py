"""Which commands start a server that is made for development."""

from __future__ import annotations

import pytest

from readiness.facts.development import development_server_command

COMMANDS = {
    "python manage.py runserver 0.0.0.0:8000": "manage.py runserver",
    "./manage.py migrate": "",
    "python3.12 -m http.server": "python -m http.server",
    "python -m flask --app shop run": "flask run",
    "uvicorn app:app --reload": "uvicorn --reload",
    "uvicorn app:app": "",
    "npm run dev": "npm run dev",
    "npm run dev:build": "",
    "yarn start:dev": "yarn start:dev",
    "next start": "",
    "next dev": "next dev",
    "vite": "vite",
    "vite build": "",
    "rails s": "",  # Puma, as in production
    "php artisan serve": "php artisan",
    "vault server -dev": "vault -dev",
    "vault server -config=/vault/config": "",
    "kc.sh start-dev": "kc.sh start-dev",
    "start-dev": "start-dev",
    "start --optimized": "",
    "airflow webserver": "",
}


@pytest.mark.parametrize(("command", "server"), COMMANDS.items())
def test_a_command(command: str, server: str) -> None:
    program, *words = command.split()
    assert development_server_command(program, words) == server
