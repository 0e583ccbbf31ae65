import { OPERATOR, SERVICES } from './callers.js';
import type { Ask } from './lifecycle.js';

/**
 * What a key of identity signs. No signature counts for another purpose. Heads of audit trails have a key of their own:
 * they prove which certificates were issued, also to a reader who must assume that the certificates’ key was stolen.
 */
export const KEY_PURPOSES = ['tokens', 'certificates', 'heads'] as const;
export type KeyPurpose = (typeof KEY_PURPOSES)[number];

/** A public key (RFC 7517). */
export interface PublishedKey {
  kid: string;
  /** Absent for a key from before keys had purposes. It verifies whatever it signed then. */
  purpose?: KeyPurpose;
  /** Only of a stolen key. Signatures from `revoked_at` on (seconds since 1970) count for nothing (OpenID Federation 1.0). */
  revoked?: { revoked_at: number; reason: 'compromised' };
  [member: string]: unknown;
}

/** Whether signatures of the key can count for this purpose. */
export const servesPurpose = ({ purpose }: { purpose?: unknown }, wanted: KeyPurpose): boolean =>
  purpose === undefined || purpose === wanted;

export interface PublicKeys {
  keys: PublishedKey[];
  /** Ids of the keys that verify no tokens, or only ones that have expired. */
  retired: string[];
}

/** The public keys of all purposes. */
export const signingKeys: Ask<Record<string, never>, PublicKeys> = {
  service: 'identity',
  subject: 'rpc.identity.tokens.keys',
  timeout: 10_000,
  calledBy: [SERVICES],
};

export interface KeyToRotate {
  /** Default: `tokens`. */
  purpose?: KeyPurpose;
  /** Uses the new key immediately, for a key that has leaked. Every access token of the old key is refused then. */
  atOnce?: boolean;
}

export interface NewSigningKey {
  kid: string;
  purpose: KeyPurpose;
  usedFrom: string;
}

/**
 * Replaces the signing key of a purpose, for the operator. The new key is published two minutes before it is used. What
 * the old key has signed stays valid.
 */
export const rotateSigningKey: Ask<KeyToRotate, NewSigningKey> = {
  service: 'identity',
  subject: 'lifecycle.identity.rotate-signing-key',
  timeout: 10_000,
  calledBy: [OPERATOR],
};

export interface StolenKey {
  kid: string;
  /** The time of the theft, or the earliest possible one (ISO 8601): signatures from then on count for nothing. */
  since: string;
}

export interface WithdrawnKey {
  kid: string;
  /** Absent for a key from before keys had purposes. */
  purpose?: KeyPurpose;
  /** In whole seconds. Not later than `since`; earlier if the key had been withdrawn from an earlier time on. */
  revokedAt: string;
  /** The key that signs instead from now on. Absent if the withdrawn key was not in use. */
  replacedBy?: string;
}

/** Publishes that a key was stolen, and replaces it immediately if it is in use, for the operator. It cannot be undone. */
export const withdrawSigningKey: Ask<StolenKey, WithdrawnKey> = {
  service: 'identity',
  subject: 'lifecycle.identity.withdraw-signing-key',
  timeout: 10_000,
  calledBy: [OPERATOR],
};
