"""All configuration, typed, from the environment (prefix `WENMING_`), and the resources of one process."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from wenming_api.kit.bare import Reader, Writer
from wenming_api.kit.cache import Cache
from wenming_api.kit.db import Database
from wenming_api.kit.decoding import DecoderPool
from wenming_api.kit.fetching import Fetcher
from wenming_api.kit.invalidation import Listener
from wenming_api.kit.printing.press import Press
from wenming_api.kit.storage import ObjectStore


class DatabaseSettings(BaseModel):
    """PostgreSQL. Three roles: the application's, the owner's (migrations), the sealer's (audit)."""

    url: str | None = Field(default=None, description="postgresql+asyncpg://wenming_app@…")
    owner_url: str | None = None
    sealer_url: str | None = None
    pool_size: int = Field(default=10, ge=2, le=100)


class CacheSettings(BaseModel):
    """Valkey or Redis."""

    url: str | None = Field(default=None, description="redis://…")


class StorageSettings(BaseModel):
    """S3-compatible object storage. `public_endpoint` is the address that phones and browsers reach."""

    endpoint: str | None = Field(default=None, description="http(s)://host:port")
    public_endpoint: str | None = None
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    bucket: str = "wenming"
    cors_origins: list[str] = Field(
        default=[], description="网页从这些来源直传与读取文件，如 https://wm.example.gov.cn"
    )
    region: str = "us-east-1"


class SessionSettings(BaseModel):
    """Lifetimes of a sign-in, in seconds, and the lock after failures (N3, N4)."""

    access_seconds: int = Field(default=600, ge=30)
    idle_seconds: int = Field(default=2 * 3600, ge=60)
    absolute_seconds: int = Field(default=12 * 3600, ge=300)
    failures_before_lock: int = Field(default=5, ge=2)
    address_failures_before_lock: int = Field(default=50, ge=5)
    lock_seconds: int = Field(default=900, ge=1)
    signing_key: SecretStr | None = Field(default=None, description="PEM of an EC P-256 private key")


class FetchSettings(BaseModel):
    """Web pages that the system reads because a user named them; none unless hosts are named here."""

    hosts: list[str] = Field(default=[], description="允许读取网页的主机，如 v.example.gov.cn、*.example.gov.cn")
    seconds: float = Field(default=10, gt=0, le=60, description="读取一个网页的总时限，秒")


class Settings(BaseSettings):
    """Everything that can be configured; nested names are joined by two underscores (`WENMING_DATABASE__URL`)."""

    model_config = SettingsConfigDict(env_prefix="WENMING_", env_nested_delimiter="__", extra="ignore")

    database: DatabaseSettings = DatabaseSettings()
    cache: CacheSettings = CacheSettings()
    storage: StorageSettings = StorageSettings()
    sessions: SessionSettings = SessionSettings()
    fetch: FetchSettings = FetchSettings()
    host: str = Field(default="127.0.0.1", validation_alias="HOST")
    port: int = Field(default=8000, ge=1, le=65535, validation_alias="PORT")
    data_dir: Path = Field(default=Path(".data"), validation_alias="DATA_DIR")
    max_body_bytes: int = Field(default=24 * 1024 * 1024, ge=1024, description="请求体上限；照片和视频不经过本服务")
    max_public_body_bytes: int = Field(default=256 * 1024, ge=1024, description="不需登录的接口的请求体上限")
    public_per_minute: int = Field(default=120, ge=1, description="同一网络地址每分钟可调用公开接口的次数")
    log_level: str = "info"


@dataclass
class Resources:
    """What one process holds: settings, database and its bare connections, cache, object store, the listener for
    invalidations, decoders, the press of printed documents, the fetcher of web pages."""

    settings: Settings
    database: Database
    reader: Reader
    writer: Writer
    cache: Cache
    store: ObjectStore
    listener: Listener
    decoders: DecoderPool = field(default_factory=DecoderPool)
    press: Press = field(default_factory=Press)
    fetcher: Fetcher = field(default_factory=Fetcher)
