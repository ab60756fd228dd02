/**
 * Every way the gateway itself can fail, one row each.
 * `http` is the status where the transport allows one, `rpc` the JSON-RPC code, `retryable` whether the same request may
 * succeed later, `public` whether message and data may leave the house.
 */
const CODES = {
  PARSE_ERROR: { http: 400, rpc: -32700, retryable: false, public: true },
  INVALID_REQUEST: { http: 400, rpc: -32600, retryable: false, public: true },
  METHOD_NOT_FOUND: { http: 404, rpc: -32601, retryable: false, public: true },
  INVALID_PARAMS: { http: 400, rpc: -32602, retryable: false, public: true },
  UNKNOWN_NAME: { http: 400, rpc: -32602, retryable: false, public: true },
  RESOURCE_NOT_FOUND: { http: 400, rpc: -32602, retryable: false, public: true },
  HEADER_MISMATCH: { http: 400, rpc: -32020, retryable: false, public: true },
  MISSING_CAPABILITY: { http: 400, rpc: -32021, retryable: false, public: true },
  UNSUPPORTED_REVISION: { http: 400, rpc: -32022, retryable: false, public: true },
  UNAUTHENTICATED: { http: 401, rpc: -32000, retryable: false, public: true },
  FORBIDDEN: { http: 403, rpc: -32000, retryable: false, public: true },
  SESSION_NOT_FOUND: { http: 404, rpc: -32001, retryable: false, public: true },
  NOT_FOUND: { http: 404, rpc: -32601, retryable: false, public: true },
  METHOD_NOT_ALLOWED: { http: 405, rpc: -32600, retryable: false, public: true },
  NOT_ACCEPTABLE: { http: 406, rpc: -32600, retryable: false, public: true },
  CONFLICT: { http: 409, rpc: -32600, retryable: false, public: true },
  STALE: { http: 412, rpc: -32600, retryable: false, public: true },
  TOO_LARGE: { http: 413, rpc: -32600, retryable: false, public: true },
  UNSUPPORTED_MEDIA_TYPE: { http: 415, rpc: -32600, retryable: false, public: true },
  TOO_MANY_HEADERS: { http: 431, rpc: -32600, retryable: false, public: true },
  OVERLOADED: { http: 503, rpc: -32003, retryable: true, public: true },
  DEADLINE_EXCEEDED: { http: 504, rpc: -32004, retryable: true, public: true },
  UPSTREAM_UNAVAILABLE: { http: 502, rpc: -32005, retryable: true, public: true },
  UPSTREAM_PROTOCOL: { http: 502, rpc: -32006, retryable: false, public: true },
  CANCELLED: { http: 499, rpc: -32007, retryable: false, public: true },
  STORE_UNAVAILABLE: { http: 503, rpc: -32009, retryable: true, public: true },
  AUDIT_UNAVAILABLE: { http: 503, rpc: -32010, retryable: true, public: true },
  RESTRAINED: { http: 429, rpc: -32011, retryable: true, public: true },
  NOT_REPEATABLE: { http: 409, rpc: -32008, retryable: false, public: true },
  INVALID_CONFIG: { http: 400, rpc: -32602, retryable: false, public: true },
  INTERNAL: { http: 500, rpc: -32603, retryable: false, public: false },
} as const;

export type ErrorCode = keyof typeof CODES;

/** What may stand beside an error for programs to read. Values must be JSON. */
export type ErrorData = Readonly<Record<string, unknown>>;

export interface GatewayErrorOptions {
  readonly cause?: unknown;
  readonly data?: ErrorData;
}

/** The body of a JSON-RPC error. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/**
 * The gateway could not do what it was asked. A tool that fails is an outcome, not this.
 * Branch on `code`, never on the message.
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly data: ErrorData | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data;
  }

  get httpStatus(): number {
    return CODES[this.code].http;
  }

  get isRetryable(): boolean {
    return CODES[this.code].retryable;
  }

  /** The error as a caller may see it: what is not public is replaced by a sentence that says nothing of the inside. */
  toRpc(): RpcError {
    const row = CODES[this.code];
    if (!row.public) return { code: row.rpc, message: 'The gateway failed; its log has the reason' };
    const data = { ...this.data, reason: this.code };
    return { code: row.rpc, message: this.message, data };
  }
}

/** Returns the error itself if it is ours, otherwise an `INTERNAL` one that keeps it as its cause. */
export function toGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
}

/** Says in words what went wrong, whatever was thrown. */
export function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
