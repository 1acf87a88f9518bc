"""Texts that have the shape of secrets and are none. They are made here, so that no file of the project looks as if it held one."""

from __future__ import annotations

import random
import string
from collections.abc import Mapping

BASE62 = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def made(length: int, alphabet: str = BASE62, seed: int = 7) -> str:
    """The same random characters in every run, of all kinds that the alphabet has."""
    chosen = random.Random(f"{length} {alphabet} {seed}")
    return "".join(chosen.choice(alphabet) for _ in range(length))


def pem(kind: str = "RSA ", newline: str = "\n") -> str:
    body = newline.join(made(64, BASE62 + "+/", seed) for seed in range(4))
    return f"-----BEGIN {kind}PRIVATE KEY-----{newline}{body}{newline}-----END {kind}PRIVATE KEY-----"


def examples() -> Mapping[str, list[str]]:
    """For each kind of secret, what it looks like."""
    jwt = ".".join(("ey" + "J" + made(30, seed=1), "ey" + "J" + made(60, seed=2), made(43, seed=3)))
    return {
        "an age identity": [f"AGE-SECRET-KEY-1{made(58, UPPER)}", f"AGE-SECRET-KEY-PQ-1{made(58, UPPER)}"],
        "a private key": [
            *map(pem, ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")),
            pem(newline="\\n"),
            f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{made(64)}\n",
            "PuTTY-User-Key-File-3: ssh-ed25519\n",
        ],
        "an Anthropic key": [f"sk-ant-api03-{made(90)}AA"],
        "an OpenRouter key": [f"sk-or-v1-{made(64, HEX)}"],
        "a Langfuse key": [f"sk-lf-{made(8, HEX)}-{made(4, HEX)}-{made(4, HEX)}-{made(4, HEX)}-{made(12, HEX)}"],
        "an OpenAI-style key": [
            f"sk-{made(48)}",
            f"sk-proj-{made(100)}",
            f"sk-svcacct-{made(80)}",
            f"sk-{made(32, HEX)}",
        ],
        "an AWS access key id": [f"AKIA{made(16, UPPER)}", f"ASIA{made(16, UPPER)}"],
        "an AWS secret access key": [f"aws_secret_access_key = {made(40)}", f'"awsSecretKey": "{made(40, seed=2)}"'],
        "an AWS Bedrock key": [f"ABSK{made(110)}="],
        "a Google API key": [f"AIza{made(35)}"],
        "a Google OAuth secret": [f"GOCSPX-{made(28)}"],
        "an Azure key": [f"{made(52)}JQQJ99{'B'}C{made(16)}a{made(7)}"],
        "an Azure storage key": [f"DefaultEndpointsProtocol=https;AccountKey={made(86)}==;"],
        "an Azure shared access key": [f"SharedAccessKeyName=x;SharedAccessKey={made(43)}="],
        "an Azure client secret": [f"{made(3)}8Q~{made(34)}"],
        "a GitHub token": [f"ghp_{made(36)}", f"ghs_{made(36)}", f"github_pat_{made(22)}_{made(59)}"],
        "a GitLab token": [f"glpat-{made(20)}", f"glrt-{made(20)}"],
        "a Slack token": [f"xoxb-{made(12, string.digits)}-{made(24)}", f"xapp-1-{made(40, UPPER)}"],
        "a Slack webhook": [f"https://hooks.slack.com/services/T{made(8, UPPER)}/B{made(8, UPPER)}/{made(24)}"],
        "a Stripe key": [f"sk_live_{made(24)}", f"rk_test_{made(24)}"],
        "an npm token": [f"npm_{made(36)}"],
        "a PyPI token": [f"pypi-{made(90)}"],
        "a Docker Hub token": [f"dckr_pat_{made(27)}"],
        "a Vault token": [f"hvs.{made(90)}"],
        "a Terraform Cloud token": [f"{made(14)}.atlasv1.{made(67)}"],
        "a Databricks token": [f"dapi{made(32, HEX)}", f"dapi{made(32, HEX)}-2"],
        "a Groq key": [f"gsk_{made(52)}"],
        "a Hugging Face token": [f"hf_{made(34, string.ascii_letters)}"],
        "an xAI key": [f"xai-{made(80)}"],
        "a Perplexity key": [f"pplx-{made(48)}"],
        "a Together key": [f"tgp_v1_{made(43)}"],
        "a Replicate token": [f"r8_{made(37)}"],
        "an NVIDIA key": [f"nvapi-{made(64)}"],
        "a Fireworks key": [f"fw_{made(22)}"],
        "a Cerebras key": [f"csk-{made(48, string.ascii_lowercase + string.digits)}"],
        "a Tavily key": [f"tvly-dev-{made(32)}"],
        "a Pinecone key": [f"pcsk_{made(60)}"],
        "a LangSmith key": [f"lsv2_pt_{made(32, HEX)}_{made(10, HEX)}"],
        "a SendGrid key": [f"SG.{made(22)}.{made(43)}"],
        "a DigitalOcean token": [f"dop_v1_{made(64, HEX)}"],
        "a Doppler token": [f"dp.st.prd.{made(43)}"],
        "a Grafana token": [f"glsa_{made(32)}_{made(8, HEX)}", f"glc_{made(60)}"],
        "a Shopify token": [f"shpat_{made(32, HEX)}"],
        "a Linear key": [f"lin_api_{made(40)}"],
        "a Supabase key": [f"sbp_{made(40, HEX)}", f"sb_secret_{made(31)}"],
        "a 1Password token": [f"ops_eyJ{made(200)}"],
        "a signed JSON Web Token": [jwt],
        "a password in a URL": [f"postgres://app:{made(12)}@db.internal:5432/app", f"redis://:{made(16)}@cache:6379/0"],
    }
