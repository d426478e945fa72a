/** Why there is no database at start. Every message says what to do, and none holds a password. */
import { Schema } from "effect"

/** `DATABASE_URL` is not a PostgreSQL URL. The URL itself stays out of the message: it may hold a password. */
export class DatabaseUrlInvalid extends Schema.TaggedError<DatabaseUrlInvalid>()("DatabaseUrlInvalid", {
  detail: Schema.String
}) {
  override get message() {
    return `DATABASE_URL is not usable: ${this.detail}; `
      + "expected postgres://user:password@host:5432/database (percent-encode special characters in the password)"
  }
}

/** Nobody answers at the address, or not in time. */
export class DatabaseUnreachable extends Schema.TaggedError<DatabaseUnreachable>()("DatabaseUnreachable", {
  /** host:port */
  server: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `cannot reach PostgreSQL at ${this.server} (${this.detail}): check that it runs and that DATABASE_URL names `
      + "the right host and port, or unset DATABASE_URL to use the embedded database"
  }
}

/** The server answers and refuses: wrong password, unknown role, no such database, no rights. */
export class DatabaseRefused extends Schema.TaggedError<DatabaseRefused>()("DatabaseRefused", {
  server: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `PostgreSQL at ${this.server} refuses us: ${this.detail}; `
      + "check the user, password and database in DATABASE_URL"
  }
}

/** pgvector is missing: not installed on the server, or installed and not ours to create. */
export class PgvectorMissing extends Schema.TaggedError<PgvectorMissing>()("PgvectorMissing", {
  server: Schema.String,
  reason: Schema.Literals(["not_installed", "not_allowed"])
}) {
  override get message() {
    return this.reason === "not_installed"
      ? `PostgreSQL at ${this.server} lacks the extension "vector" (pgvector): install it on the server `
        + "(Debian/Ubuntu: apt install postgresql-17-pgvector, for another version change the 17; "
        + "Docker: image pgvector/pgvector:pg17; hosted: enable \"vector\" in the provider's console), then start again"
      : `PostgreSQL at ${this.server} has pgvector installed, but our user may not create the extension "vector": `
        + "run CREATE EXTENSION vector; once in this database as a superuser "
        + "(its owner may too where pgvector is a trusted extension), then start again"
  }
}

/** Another process has the data directory open. */
export class DataDirLocked extends Schema.TaggedError<DataDirLocked>()("DataDirLocked", {
  directory: Schema.String,
  /** Absent when the holder has not written its name down yet. */
  holder: Schema.UndefinedOr(Schema.String)
}) {
  override get message() {
    return `the data directory ${this.directory} is in use by ${this.holder ?? "another process"}: stop that process, `
      + "set DATA_DIR to another directory, or set DATABASE_URL so that several processes can share one database"
  }
}

/** The data directory cannot be created, read or written, or what it holds cannot be opened. */
export class DataDirUnusable extends Schema.TaggedError<DataDirUnusable>()("DataDirUnusable", {
  directory: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `the data directory ${this.directory} cannot be used (${this.detail}): make it a directory that our user `
      + "may write to, or set DATA_DIR to another one (memory: keeps nothing)"
  }
}

/** The embedded database is not installed: its packages are optional. */
export class EmbeddedDatabaseMissing extends Schema.TaggedError<EmbeddedDatabaseMissing>()(
  "EmbeddedDatabaseMissing",
  {}
) {
  override readonly message = "the embedded database is not installed: "
    + "npm install @electric-sql/pglite @electric-sql/pglite-pgvector, or set DATABASE_URL to a PostgreSQL server"
}

/** The tables could not be brought up to date. */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  detail: Schema.String
}) {
  override get message() {
    return `the database's tables could not be brought up to date: ${this.detail}`
  }
}

/** Everything that keeps a database from being opened. */
export type DatabaseError =
  | DatabaseUrlInvalid
  | DatabaseUnreachable
  | DatabaseRefused
  | PgvectorMissing
  | DataDirLocked
  | DataDirUnusable
  | EmbeddedDatabaseMissing
  | MigrationFailed
