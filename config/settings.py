"""Settings, flat and by concern; everything that differs between machines comes from config.env."""

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import env
from config.schedule import BEAT_SCHEDULE, TASK_ROUTES
from config.tiles import tiles

BASE_DIR = env.BASE_DIR
HOME = env.HOME
DEBUG = env.DEBUG
SECRET_KEY = env.secret_key()
ALLOWED_HOSTS = env.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = env.TRUSTED_ORIGINS
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "pgtrigger",
    "pghistory",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "sites",
    "devices",
    "alarms",
    "workorders",
    "reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "core.static.StaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.http.PrivateMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.http.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.history.ChangeMiddleware",
    "core.http.DomainErrorMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reports.selectors.shell",
            ],
            "builtins": ["template_partials.templatetags.partials", "core.quick"],
            "libraries": {"i18n": "core.words"},
        },
    }
]

FORM_RENDERER = "core.forms.FormRenderer"
# `core.words` stands in Django's place on purpose.
SILENCED_SYSTEM_CHECKS = ["templates.W003"]

# --- Database and Redis

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_HEALTH_CHECKS": True,
        **env.postgres(env.DATABASE_URL),
    }
}
DATABASES["default"]["OPTIONS"] |= {
    "pool": {"min_size": 1, "max_size": 20, "timeout": 10, "max_idle": 120},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis(env.REDIS_URL, 0)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.redis(env.REDIS_URL, 3),
        "KEY_PREFIX": "dw",
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [env.redis(env.REDIS_URL, 2)], "prefix": "dw"},
    }
}

# --- Celery

CELERY_BROKER_URL = env.broker(env.REDIS_URL)
# The same, for who only looks at it.
BROKER_REDIS_URL = env.redis(env.REDIS_URL, 1)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 90
CELERY_TASK_ROUTES = TASK_ROUTES
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_keepalive": True,
    # Who sends a task, perhaps inside a cycle, waits no longer for a Redis that is away.
    "max_retries": 2,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
    "socket_connect_timeout": 5,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
POLL_SHARDS = env.POLL_SHARDS
DTU_HOST = env.DTU_HOST
DTU_PORT = env.DTU_PORT

# --- People

AUTH_USER_MODEL = "sites.User"
AUTHENTICATION_BACKENDS = ["sites.backends.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "sites.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = None
# Failed sign-ins: how many, in how many seconds; the same at both doors, counted apart.
SIGN_IN_LIMITS = {"ip": (10, 60), "username": (5, 300)}
ACCOUNT_RATE_LIMITS = {"login_failed": "10/60s/ip,5/300s/key", "login": "60/m/ip"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.PROXIES
MFA_FORMS = {"authenticate": "sites.accounts.CodeForm"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Dianwu"
API_TOKEN_DAYS = 90
DEMO_LOGINS = env.IS_EMBEDDED

# --- Languages and time

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]  # not translated: their own names
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# --- Files

STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "core.static.HashedStatic"},
}
# Hashed names are served for ever; plain ones, from the finders, for an hour.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
MEDIA_ROOT = env.MEDIA_ROOT
PHOTO_MAX_BYTES = 10 * 1024 * 1024
PHOTO_MAX_PIXELS = 50_000_000
# Above it a request is refused unread: a photo with its form, and some room.
REQUEST_MAX_BYTES = PHOTO_MAX_BYTES + 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Map

MAP_TILES = tiles(
    kind=env.MAP_KIND,
    url=env.MAP_URL,
    crs=env.MAP_CRS,
    attribution=env.MAP_ATTRIBUTION,
    layer=env.MAP_LAYER,
    matrix_set=env.MAP_MATRIX_SET,
)

# --- Security

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *env.TILE_HOSTS, *MAP_TILES.hosts],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.HTTPS
SECURE_SSL_REDIRECT = env.HTTPS
# Asked on this machine, behind the proxy that speaks TLS.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if env.HTTPS else 0
if env.HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- REST

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "sites.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.parsers.JsonParser"],
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "COERCE_DECIMAL_TO_STRING": False,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "core.api.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "core.api.problem_handler",
    "DEFAULT_THROTTLE_RATES": {"sign_in": "10/min"},
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Dianwu 智慧电务",  # not translated: the product's name
    "DESCRIPTION": "Operations and maintenance of electrical rooms.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "AlarmMoveEnum": "alarms.states.Move",
        "ControlCommandEnum": "devices.states.ControlCommand",
        "ControlMoveEnum": "devices.states.ControlMove",
        "ControlStateEnum": "devices.states.ControlState",
        "FlagKindEnum": "devices.states.FlagKind",
        "GapReasonEnum": "devices.states.GapReason",
        "HandlingEnum": "alarms.states.Handling",
        "JobStateEnum": "sites.states.JobState",
        "OrderKindEnum": "workorders.states.Kind",
        "OrderMoveEnum": "workorders.states.Move",
        "OrderStateEnum": "workorders.states.State",
        "PriorityEnum": "workorders.states.Priority",
        "QualityEnum": "devices.api.values.QUALITIES",
        "RepairKindEnum": "devices.states.RepairKind",
        "SampleRefusalEnum": "devices.states.RefusalCode",
        "SampleVerdictEnum": "devices.states.SampleVerdict",
        "SeverityEnum": "alarms.states.Severity",
        "SiteStateEnum": "sites.models.Site.State",
        "VerdictEnum": "alarms.states.Verdict",
        "VersionStateEnum": "devices.states.VersionState",
        "TaskMoveEnum": "workorders.states.TaskMove",
        "TaskStateEnum": "workorders.states.TaskState",
        "WorkEntryEnum": "workorders.states.Entry",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.finish",
    ],
}

# --- Collecting

POLL_TICK_S = 1.0
READING_RETENTION_DAYS = 90
# Days of samples as rows; older ones are in blocks. The rules look back a day.
READING_HOT_DAYS = 3
# Roll-ups outlive the samples.
ROLLUP_QUARTER_DAYS = 1100
ROLLUP_DAY_DAYS = 7320
READING_FUTURE_S = 600
SPOOL_ROOT = env.SPOOL_ROOT
SPOOL_MB = env.SPOOL_MB
SPOOL_FREE_MB = env.SPOOL_FREE_MB
COLLECTION_LATE_S = env.LATE_AFTER_S
METRICS_TOKEN = env.METRICS_TOKEN
HEARTBEAT_URL = env.HEARTBEAT_URL
SIMULATOR_CONTROL = env.simulator_control()
SIMULATOR_PORT = env.SIMULATOR_PORT
DEMO_DAYS = env.DEMO_DAYS
# Where the simulator keeps what outlives it: faults under way, and what they did to counters.
SIMULATOR_STATE = HOME / "simulator.json"
# There while the demo is being made.
DEMO_UNFINISHED = env.demo_unfinished(HOME)

# --- Logs

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.LOG_LEVEL},
    "loggers": {
        "pymodbus": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        # Two lines a second that nobody reads: what a task does, it says itself.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
PRODUCT_NAME = _("智慧电务")
