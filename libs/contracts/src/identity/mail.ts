import type { DepartureTransition } from './departure-receipts.js';

/** What requesters, managers and receivers are told of departures. Each user chooses which of these mails they get. */
export const DEPARTURE_MAIL_KINDS = [
  'departure-scheduled',
  'approval-wanted',
  'departure-completed',
  'departure-failed',
  'handover',
  'return-reminder',
  'erasure-reminder',
] as const;
export type DepartureMailKind = (typeof DEPARTURE_MAIL_KINDS)[number];

export const isAboutDeparture = (kind: string): kind is DepartureMailKind =>
  (DEPARTURE_MAIL_KINDS as readonly string[]).includes(kind);

/** Mails with a token let their reader in. Those that follow report changes of an address or of signing in. */
export const MAIL_KINDS = [
  'invitation',
  'password-reset',
  'email-confirmation',
  'email-change-requested',
  'email-changed',
  'email-now-used',
  'password-changed',
  'sign-in-method-added',
  'sign-in-method-removed',
  ...DEPARTURE_MAIL_KINDS,
] as const;

/** What a mail about a departure says, without the names of people. */
export interface MailedDeparture {
  id: string;
  /** The leaver. */
  userId: string;
  transition: DepartureTransition;
  /** When it is or was due. */
  effectiveAt: string;
  /** The rows that the reader has received. */
  received?: number;
}

/** Besides the password. */
export const SIGN_IN_METHODS = ['passkey', 'authenticator-app', 'recovery-codes', 'single-sign-on'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

export interface MailRequest {
  /** A request can be repeated after a crash; it then has the same id. */
  id: string;
  kind: (typeof MAIL_KINDS)[number];
  /** The email address. */
  to: string;
  /** For accepting the invitation, setting a new password or confirming the new address. Valid once. */
  token?: string;
  expiresAt?: string;
  /** The user who has sent the invitation. Absent if an identity provider has. */
  invitedById?: string;
  method?: SignInMethod;
  departure?: MailedDeparture;
  /** When it was changed, or the change was asked for. */
  at?: string;
}
