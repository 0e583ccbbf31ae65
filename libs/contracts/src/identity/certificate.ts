import { Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { operation } from '../operation.js';
import { PRESETS, type Preset } from '../policy.js';
import { MANAGERS } from '../principal.js';
import { DEPARTURE_TRANSITIONS, DepartureRule, type DepartureTransition } from './departure-receipts.js';

export class CertifiedPolicy {
  @OneOf(PRESETS) preset: Preset;
  @Whole({ about: 'The version of the account’s policy that was in force.' }) version: number;
}

export class CertifiedService {
  @Text() service: string;
  @OneOf(['retired'], { optional: true, about: 'The service was retired before it had applied all its rules.' })
  status?: 'retired';
  @ListOf(() => DepartureRule) rules: DepartureRule[];
}

/** An earlier departure of the same absence. The deletion has not repeated what it did. */
export class CertifiedEarlierDeparture {
  @Id() departureId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Moment() requestedAt: string;
  @Moment({ nullable: true, about: 'Null if the next departure began before this one was complete.' })
  completedAt: string | null;
  @Text({ about: 'SHA-256 in hexadecimal of `services` as canonical JSON (RFC 8785).' }) sha256: string;
  @ListOf(() => CertifiedService) services: CertifiedService[];
}

/** A copy of the user's data that was taken before. */
export class CertifiedCopy {
  @Text({ about: 'SHA-256 of the file in hexadecimal.' }) sha256: string;
  @Moment({ about: 'When the copy was complete.' }) at: string;
}

/** The signed statement about a completed deletion. It contains ids of users and no other personal data. */
export class DeletionStatement {
  @Text() iss: string;
  @Moment() issuedAt: string;
  @Id() departureId: string;
  @Id() accountId: string;
  @Id() userId: string;
  @OneOf(['deleted']) transition: 'deleted';
  @Id({ nullable: true }) requestedBy: string | null;
  @Moment() requestedAt: string;
  @Moment() effectiveAt: string;
  @Moment() completedAt: string;
  @Nested(() => CertifiedPolicy) policy: CertifiedPolicy;
  @ListOf(() => CertifiedService) services: CertifiedService[];
  @ListOf(() => CertifiedEarlierDeparture, {
    about: 'The departures since the user was last active, oldest first: usually the deactivation before the deletion.',
  })
  earlier: CertifiedEarlierDeparture[];
  @ListOf(() => CertifiedCopy, {
    optional: true,
    about: 'The copies of the user’s data that were taken before the deletion, oldest first. Absent without one.',
  })
  copies?: CertifiedCopy[];
}

export class Certificate {
  @Text({
    max: 1_000_000,
    about: 'A JWS in compact form (EdDSA). Verify it with the keys at `/.well-known/jwks.json?purpose=certificates`.',
  })
  jws: string;
  @Nested(() => DeletionStatement, { about: 'The decoded content of the JWS.' }) payload: DeletionStatement;
  @Whole({ optional: true, about: 'Position of its entry in the account’s audit trail, the log of certificates.' })
  position?: number;
  @Moment({ optional: true }) loggedAt?: string;
}

export const departuresCertificate = operation<Certificate>({
  id: 'departures.certificate',
  service: 'identity',
  access: MANAGERS,
  method: 'GET',
  path: '/v1/departures/:id/certificate',
  summary: 'Get a signed statement of a completed deletion',
  answer: Certificate,
  errors: ['not-found', 'conflict'],
});
