/** What the service and the worker thread that runs PGlite say to each other. */

/** Given to the worker when it starts. */
export interface PgliteWorkerData {
  /** Absolute path, or undefined to keep nothing. */
  readonly directory: string | undefined
}

export type ToWorker =
  /** A new connection. `flow` is the back-pressure of its answers, see `flowUnread`. */
  | { readonly type: "open"; readonly session: number; readonly flow: Int32Array }
  | { readonly type: "data"; readonly session: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "close"; readonly session: number }
  /** Close the database and end. */
  | { readonly type: "shutdown" }

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "locked"; readonly holder: string | undefined }
  | { readonly type: "unusable"; readonly detail: string }
  | { readonly type: "data"; readonly session: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The bytes of one `data` message have been dealt with. */
  | { readonly type: "taken"; readonly session: number }
  /** The worker has ended the connection. */
  | { readonly type: "closed"; readonly session: number }

/** Index into `flow`: bytes sent and not yet read. The worker stops and waits on it above `flowLimit`. */
export const flowUnread = 0
/** Index into `flow`: 1 when nobody will read any more. */
export const flowClosed = 1
export const flowLimit = 1024 * 1024
