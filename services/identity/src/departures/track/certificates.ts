import { Injectable } from '@nestjs/common';
import { Problem, type Certificate, type DeletionStatement } from '#libs/contracts';
import { Clock } from '#libs/database';
import { CompactSign } from 'jose';
import { DepartureQueries } from '../store/departure-queries.js';
import { isoOf } from '../../common/moments.js';
import { SigningKeys } from '../../signing-key/signing-keys.js';

const ISSUER = 'urn:leaver:identity';
/** Differs from that of access tokens, so that a certificate is not accepted as one. */
const TYPE = 'deletion-certificate+jws';

/** Signs statements about completed deletions, which can be verified outside of the product. */
@Injectable()
export class Certificates {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found`, or `conflict` if the departure is not a completed deletion */
  async of(accountId: string, departureId: string): Promise<Certificate> {
    const payload = await this.statement(accountId, departureId);
    const { kid, key } = this.keys.current();
    const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: TYPE })
      .sign(key);
    return { jws, payload };
  }

  /** Leaves out the reason, which is personal data. */
  private async statement(accountId: string, departureId: string): Promise<DeletionStatement> {
    const row = await this.departures.get(accountId, departureId);
    if (row.transition !== 'deleted' || row.status !== 'completed')
      throw new Problem('conflict', { detail: 'Only completed deletions have a certificate.' });
    const { userId, requestedBy, requestedAt, services } = await this.departures.view(accountId, departureId);
    const { preset, version } = row.policy;
    return {
      iss: ISSUER,
      issuedAt: this.clock.now().toISOString(),
      departureId,
      accountId,
      userId,
      transition: row.transition,
      requestedBy,
      requestedAt,
      effectiveAt: isoOf(row.begun_at ?? row.effective_at),
      completedAt: isoOf(row.completed_at!),
      policy: { preset, version },
      services: services.map(({ service, status, rules }) => ({
        service,
        ...(status === 'retired' && { status }),
        rules,
      })),
    };
  }
}
