import { Flag, Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { operation } from '../operation.js';

export class CertificateToVerify {
  @Text({ max: 900_000, about: 'The JWS in compact form.' }) jws: string;
}

/** Why a certificate is invalid. */
export const CERTIFICATE_FAULTS = [
  'malformed',
  'unknown-key',
  'signature',
  'key-withdrawn',
  'not-in-log',
  'log-not-confirmed',
] as const;
export type CertificateFault = (typeof CERTIFICATE_FAULTS)[number];

/** The entry of the audit trail about a certificate, as its hash covers it. */
export class CertificateLogProofEntry {
  @Moment() at: string;
  @Text() action: string;
  @Id({ nullable: true, about: 'Who got the certificate.' }) actorId: string | null;
  @Text({ nullable: true }) system: string | null;
  @Id({ nullable: true }) subjectId: string | null;
  @Text({
    max: 1_000,
    about: 'The JSON text whose digest the hash covers: digest of the certificate, key and departure.',
  })
  detail: string;
  @Text() salt: string;
  @Text({ about: 'The hash of the previous entry.' }) prevHash: string;
}

export class CertificateLogProofStep {
  @OneOf(['left', 'right'], { about: 'Where the neighbour stands.' }) side: 'left' | 'right';
  @Text({ about: 'The hash of the neighbour.' }) hash: string;
}

/** Leads from an entry to a signed root (a Merkle path). */
export class CertificateLogProof {
  @Id() accountId: string;
  @Whole() position: number;
  @Nested(() => CertificateLogProofEntry) entry: CertificateLogProofEntry;
  @ListOf(() => CertificateLogProofStep) path: CertificateLogProofStep[];
  @Text({
    max: 10_000,
    about:
      'The signed root with its time, as a JWS in compact form. Verify it with `/.well-known/jwks.json?purpose=heads`.',
  })
  root: string;
}

export class CertificateLogEntry {
  @Whole({ about: 'Position in the account’s audit trail.' }) position: number;
  @Moment() loggedAt: string;
  @Moment({ nullable: true, about: 'When the entry was published outside of the database; null before that.' })
  publishedAt: string | null;
  @Nested(() => CertificateLogProof, {
    nullable: true,
    about: 'What an offline check needs (`leaver certificate --proof`); null until the entry is published.',
  })
  proof: CertificateLogProof | null;
}

export class CertificateVerification {
  @Flag() valid: boolean;
  @OneOf(CERTIFICATE_FAULTS, {
    optional: true,
    about:
      'Why it is invalid: it is no certificate (`malformed`); no key for certificates has this id (`unknown-key`); the signature is ' +
      'wrong (`signature`); it is dated after its key was stolen (`key-withdrawn`); it is not in the log under its date, so ' +
      'it was not issued then (`not-in-log`); its key was stolen, and no head that was published before confirms its entry ' +
      '(`log-not-confirmed`).',
  })
  reason?: CertificateFault;
  @Text({ optional: true, about: 'The id of the key. Absent if it could not be read.' }) kid?: string;
  @Moment({ optional: true, about: 'Absent if the signature is not valid.' }) issuedAt?: string;
  @Moment({ optional: true, about: 'From when on the signatures of the key count for nothing, if it was stolen.' })
  keyWithdrawnFrom?: string;
  @Nested(() => CertificateLogEntry, {
    nullable: true,
    about:
      'Null if it is not in the log. Certificates from before there was a log are valid without an entry, unless their key was stolen.',
  })
  log: CertificateLogEntry | null;
}

export const certificatesVerify = operation<CertificateVerification, CertificateToVerify>({
  id: 'certificates.verify',
  service: 'identity',
  access: 'public',
  method: 'POST',
  path: '/v1/certificates/verify',
  summary: 'Verify a certificate: signature, key, and whether it was issued',
  body: CertificateToVerify,
  answer: CertificateVerification,
  status: 200,
  ignoresIdempotencyKey: 'It changes nothing.',
});
