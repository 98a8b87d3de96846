from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from marketplace.accounts.domain import NameKind, Role, Scope
from marketplace.core.choices import choices_of
from marketplace.core.ids import new_id


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_operator=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Their memberships determine what they may do; operators run the installation."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True, error_messages={"unique": "There is an account with this address already."})
    name = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False)
    date_joined = models.DateTimeField(db_default=Now())

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    @property
    def is_staff(self) -> bool:
        return self.is_operator


class Organization(models.Model):
    """The tenant. Its slug is the namespace of its models and aliases; case does not matter."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.CharField(max_length=63)
    name = models.CharField(max_length=100)
    can_buy = models.BooleanField(default=True)
    can_provide = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    members = models.ManyToManyField(User, through="Membership", related_name="organizations")

    class Meta:
        ordering = ["slug"]
        indexes = [models.Index(fields=["slug"], opclasses=["varchar_pattern_ops"], name="organization_slug_prefix")]
        constraints = [
            models.UniqueConstraint(Lower("slug"), name="organization_slug_once"),
            models.CheckConstraint(
                condition=models.Q(can_buy=True) | models.Q(can_provide=True), name="organization_has_a_side"
            ),
        ]


class Name(models.Model):
    """A name in use in an organisation's namespace, so that `owner/name` is unique.

    Attributes:
        kind: the kind of object that has the name, a value of `NameKind`.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=63)
    kind = models.CharField(max_length=10, choices=choices_of(NameKind))

    class Meta:
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="name_once")]


class Membership(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=choices_of(Role))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="membership_once")]


class ApiKey(models.Model):
    """A secret that authenticates calls for an organisation. Only its hash is stored.

    Attributes:
        prefix: the key's first characters, shown so that people can tell keys apart.
        hash: SHA-256 of the whole key, hexadecimal. The key has 256 random bits, so no slow hash is needed.
        scopes: its permitted uses, values of `Scope`; no more than its creator was allowed at the time.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=20)
    hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.TextField(), db_default=[scope.value for scope in Scope])
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]


class AuditEvent(models.Model):
    """A permanent record of an action: rows are only added.

    Attributes:
        actor, api_key: the person or key that acted; neither: the platform itself.
        action: the subject's kind, then a verb in the past tense, for example `api_key.revoked`.
        subject: the id of the object acted on.
        data: further facts, never secrets.
    """

    at = models.DateTimeField(db_default=Now())
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True)
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True)
    action = models.TextField()
    subject = models.TextField()
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index("organization", models.F("at").desc(), name="audit_by_organization"),
            models.Index("subject", models.F("at").desc(), name="audit_by_subject"),
        ]
