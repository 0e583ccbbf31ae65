import { Injectable } from '@nestjs/common';
import type { CertificateFault, CertificateVerification, DeletionStatement } from '#libs/contracts';
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, errors } from 'jose';
import { CertificateLog, type LoggedCertificate } from '../../../audit/certificate-log.js';
import { sha256 } from '../../../common/secrets.js';
import { EvidenceKeys } from '../../../signing-key/evidence-keys.js';
import { PublishedKeys } from '../../../signing-key/published-keys.js';
import { UPGRADE_LASTS } from '../../../signing-key/token-keys.js';
import { CERTIFICATE_TYPE } from './certificates.js';

/** Milliseconds between the date of a certificate and its entry in the log, which are made in one transaction. */
const LOGGED_WITHIN = 60_000;

type Key = Awaited<ReturnType<PublishedKeys['of']>>[number];

/** A certificate with a valid signature. */
interface Signed {
  key: Key;
  issuedAt: number;
}

/** Verifies certificates: signature, key, and whether they were issued. */
@Injectable()
export class CertificateCheck {
  constructor(
    private readonly keys: PublishedKeys,
    private readonly evidence: EvidenceKeys,
    private readonly log: CertificateLog,
  ) {}

  async verify(jws: string): Promise<CertificateVerification> {
    const kid = keyIdIn(jws);
    if (kid === undefined) return { valid: false, reason: 'malformed', log: null };
    const key = (await this.keys.of('certificates')).find((one) => one.kid === kid);
    if (!key) return { valid: false, reason: 'unknown-key', kid, log: null };
    const issuedAt = await dateIn(jws, key);
    if (typeof issuedAt === 'string') return { valid: false, reason: issuedAt, kid, log: null };
    const entry = await this.log.find(sha256(jws).toString('hex'));
    const reason = await this.faultOf({ key, issuedAt }, entry);
    return {
      valid: reason === undefined,
      ...(reason && { reason }),
      kid,
      issuedAt: new Date(issuedAt).toISOString(),
      ...(key.revoked && { keyWithdrawnFrom: new Date(withdrawnFrom(key)).toISOString() }),
      log: entry
        ? {
            position: entry.position,
            loggedAt: entry.loggedAt,
            publishedAt: entry.signed?.at ?? null,
            proof: entry.proof ?? null,
          }
        : null,
    };
  }

  private async faultOf(
    { key, issuedAt }: Signed,
    entry: LoggedCertificate | undefined,
  ): Promise<CertificateFault | undefined> {
    if (issuedAt >= withdrawnFrom(key)) return 'key-withdrawn';
    const logged = entry && Math.abs(Date.parse(entry.loggedAt) - issuedAt) <= LOGGED_WITHIN;
    if (!logged) return key.revoked || (await this.hasToBeLogged(key, issuedAt)) ? 'not-in-log' : undefined;
    // A thief who can also write to the database can add an entry, but none that was published before.
    const confirmed = entry.signed && !entry.signed.withdrawn && Date.parse(entry.signed.at) < withdrawnFrom(key);
    return key.revoked && !confirmed ? 'log-not-confirmed' : undefined;
  }

  /** Keys from before keys had purposes are older than the log, and may have signed certificates during the upgrade. */
  private async hasToBeLogged({ purpose }: Key, issuedAt: number): Promise<boolean> {
    return (
      purpose !== undefined || issuedAt >= (await this.evidence.firstUseOf('certificates')).getTime() + UPGRADE_LASTS
    );
  }
}

/** Milliseconds since 1970. */
const withdrawnFrom = ({ revoked }: Key): number => (revoked ? revoked.revoked_at * 1_000 : Infinity);

function keyIdIn(jws: string): string | undefined {
  try {
    const { typ, alg, kid } = decodeProtectedHeader(jws);
    return typ === CERTIFICATE_TYPE && alg === 'EdDSA' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/** The date of a certificate, in milliseconds since 1970, or what is wrong with it. */
async function dateIn(jws: string, key: Key): Promise<number | CertificateFault> {
  try {
    const { payload } = await compactVerify(jws, createLocalJWKSet({ keys: [key] }), { algorithms: ['EdDSA'] });
    const issuedAt = Date.parse((JSON.parse(new TextDecoder().decode(payload)) as DeletionStatement).issuedAt);
    return Number.isNaN(issuedAt) ? 'malformed' : issuedAt;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
    if (error instanceof errors.JOSEError || error instanceof SyntaxError) return 'malformed';
    throw error;
  }
}
