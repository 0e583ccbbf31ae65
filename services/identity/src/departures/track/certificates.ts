import { Injectable } from '@nestjs/common';
import {
  Problem,
  type Certificate,
  type CertifiedEarlierDeparture,
  type CertifiedService,
  type DeletionStatement,
  type Departure,
  type DepartureService,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { CompactSign } from 'jose';
import { DepartureQueries } from '../store/departure-queries.js';
import { canonicalJson } from '../../common/canonical-json.js';
import { isoOf } from '../../common/moments.js';
import { sha256 } from '../../common/secrets.js';
import { EvidenceKeys } from '../../signing-key/evidence-keys.js';

const ISSUER = 'urn:leaver:identity';
/** Differs from that of access tokens, so that a certificate is not accepted as one. */
const TYPE = 'deletion-certificate+jws';

/** Signs statements about completed deletions, which can be verified outside of the product. */
@Injectable()
export class Certificates {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly keys: EvidenceKeys,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found`, or `conflict` if the departure is not a completed deletion */
  async of(accountId: string, departureId: string): Promise<Certificate> {
    const payload = await this.statement(accountId, departureId);
    const { kid, key } = this.keys.current('certificates');
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
      services: services.map(certified),
      earlier: (await this.departures.earlierOf(row)).map(earlier),
    };
  }
}

const certified = ({ service, status, rules }: DepartureService): CertifiedService => ({
  service,
  ...(status === 'retired' && { status }),
  rules,
});

function earlier(departure: Departure): CertifiedEarlierDeparture {
  const { id: departureId, transition, requestedAt, completedAt } = departure;
  const services = departure.services.map(certified);
  const digest = sha256(canonicalJson(services)).toString('hex');
  return { departureId, transition, requestedAt, completedAt, sha256: digest, services };
}
