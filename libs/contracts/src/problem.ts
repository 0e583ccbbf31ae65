import type { PlanChange } from './plan-change.js';

/** Every error that a client can get: code → HTTP status and title (RFC 9457). Codes are durable: add, never rename. */
export const PROBLEMS = {
  validation: [400, 'The request is not valid'],
  'invalid-cursor': [400, 'The cursor is not valid'],
  'invalid-json': [400, 'The body is not valid JSON'],
  'invalid-encoding': [400, 'The request is not valid UTF-8'],
  'malformed-request': [400, 'The request is not valid HTTP'],
  'logout-token-invalid': [400, 'The logout token is not valid'],
  unauthenticated: [401, 'Please sign in'],
  'invalid-credentials': [401, 'Email or password is wrong'],
  'account-inactive': [401, 'This user has been deactivated'],
  'sso-failed': [401, 'The sign-in through the identity provider has failed'],
  'second-factor-required': [401, 'A second factor is needed'],
  forbidden: [403, 'You are not allowed to do this'],
  'step-up-required': [403, 'Please confirm who you are'],
  'second-factor-missing': [403, 'Please set up a second factor'],
  'csrf-token-invalid': [403, 'The request is not known to come from our own pages'],
  'sso-required': [403, 'Please sign in through the identity provider of your company'],
  'sso-not-linked': [403, 'Nobody here belongs to this sign-in'],
  'sso-email-unverified': [403, 'The identity provider has not verified the email address'],
  'sso-link-required': [403, 'First link the identity provider with your user'],
  'own-request': [403, 'Somebody else has to decide about your request'],
  'not-found': [404, 'This does not exist'],
  'method-not-allowed': [405, 'This method is not supported here'],
  'request-timeout': [408, 'The request arrived too slowly'],
  'no-free-seat': [409, 'No free seat'],
  'duplicate-email': [409, 'This email is taken'],
  'duplicate-staff-id': [409, 'This staff id is taken'],
  conflict: [409, 'The current state does not allow this'],
  'sole-owner': [409, 'The account must keep an active owner'],
  'not-deactivated': [409, 'Deactivate the user first'],
  'numbers-assigned': [409, 'Numbers are still assigned to this user'],
  retention: [409, 'The retention period is not over'],
  'legal-hold': [409, 'The user is under legal hold'],
  'plan-stale': [409, 'Something changed since the preview'],
  uncounted: [409, 'Some rows could not be counted'],
  'approval-refused': [409, 'Another manager has refused this'],
  'approval-expired': [409, 'Nobody has approved this in time'],
  'idempotency-mismatch': [409, 'This idempotency key was used with another request'],
  gone: [410, 'This is no longer available'],
  'precondition-failed': [412, 'It has changed in the meantime'],
  'payload-too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'This media type is not supported'],
  'invalid-successor': [422, 'This user cannot be the successor'],
  'unknown-user': [422, 'There is no such user'],
  'inactive-user': [422, 'This user has left'],
  'unknown-rule': [422, 'There is no such rule'],
  'invalid-action': [422, 'The rule does not allow this action'],
  'unknown-reference': [422, 'The request refers to something that does not exist'],
  'no-approver': [422, 'Nobody else can approve this'],
  'no-assigned-contacts': [422, 'No contact is assigned to you'],
  'too-many-requests': [429, 'Too many requests'],
  'headers-too-large': [431, 'The headers of the request are too large'],
  'source-address-refused': [422, 'The import source leads to a private address'],
  'source-login-refused': [422, 'The import source refused the user name or the password'],
  'source-host-key-changed': [422, 'The host key of the import source has changed'],
  'source-certificate-refused': [422, 'The certificate of the import source is not valid'],
  'source-folder-missing': [422, 'The import source has no such folder'],
  'source-file-refused': [422, 'The import source refused to let a file be read or moved'],
  'sso-provider-refused': [422, 'This identity provider cannot be used'],
  internal: [500, 'Something went wrong on our side'],
  'source-unreachable': [502, 'The import source did not answer or closed the connection'],
  'service-unavailable': [503, 'A service did not answer'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;
export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

export type ScimErrorType =
  'invalidFilter' | 'invalidPath' | 'invalidSyntax' | 'invalidValue' | 'noTarget' | 'tooMany' | 'uniqueness';

/** What accompanies the code: a sentence for people and fields for programs. */
export interface ProblemDetails {
  detail?: string;
  errors?: { field: string; message: string }[];
  /** The ids of what prevents it. */
  items?: unknown[];
  service?: string;
  retryAfter?: number;
  valid?: readonly string[];
  /** For `plan-stale`: what differs from the plan that was previewed. Absent if the token does not say what was shown. */
  changes?: readonly PlanChange[];
  /** For `second-factor-required` at a sign-in: stands for address and password in the next request. */
  challenge?: string;
  /** For `second-factor-required`: with which of `SECOND_FACTORS` the user can go on. */
  methods?: readonly string[];
  /** SCIM's keyword for this kind of error (RFC 7644, 3.12). */
  scimType?: ScimErrorType;
}

/** The body of an `application/problem+json` answer. */
export interface ProblemBody extends ProblemDetails {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
}

/** An expected failure that a client can act on. Anything else that is thrown is a bug. */
export class Problem extends Error {
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    readonly details: ProblemDetails = {},
  ) {
    super(details.detail ?? PROBLEMS[code][1]);
    this.name = 'Problem';
    this.status = PROBLEMS[code][0];
  }

  toBody(): ProblemBody {
    return {
      type: `urn:leaver:problem:${this.code}`,
      title: PROBLEMS[this.code][1],
      status: this.status,
      code: this.code,
      ...this.details,
    };
  }

  /** The problem that another service sent. A code that this version does not know becomes `internal`. */
  static fromBody(body: ProblemBody): Problem {
    const { type: _type, title: _title, status: _status, code, ...details } = body;
    return code in PROBLEMS ? new Problem(code, details) : new Problem('internal');
  }
}
