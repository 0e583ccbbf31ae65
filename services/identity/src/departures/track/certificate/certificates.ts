import { Injectable } from '@nestjs/common';
import {
  Problem,
  type Certificate,
  type CertifiedEarlierDeparture,
  type CertifiedService,
  type DeletionStatement,
  type Departure,
  type DepartureService,
  type Principal,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { CompactSign } from 'jose';
import { actorOf } from '../../../audit/audit.js';
import { CertificateLog } from '../../../audit/certificate-log.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import { canonicalJson } from '../../../common/canonical-json.js';
import { isoOf } from '../../../common/moments.js';
import { sha256 } from '../../../common/secrets.js';
import { ExportCopies } from '../../../user-export/export-copies.js';
import { EvidenceKeys } from '../../../signing-key/evidence-keys.js';

const ISSUER = 'urn:leaver:identity';
/** Differs from that of access tokens, so that a certificate is not accepted as one. */
export const CERTIFICATE_TYPE = 'deletion-certificate+jws';

/** Milliseconds for which a reader gets the same certificate again as long as nothing has changed. It bounds the log. */
const REUSED_FOR = 3_600_000;

interface Signed {
  jws: string;
  payload: DeletionStatement;
  sha256: string;
  kid: string;
}

/** Issues statements about completed deletions, which can be verified outside of the product. Each is in the log. */
@Injectable()
export class Certificates {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly keys: EvidenceKeys,
    private readonly log: CertificateLog,
    private readonly copies: ExportCopies,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found`, or `conflict` if the departure is not a completed deletion */
  async issue(principal: Principal, departureId: string): Promise<Certificate> {
    const { accountId } = principal;
    const actor = actorOf(principal);
    const statement = await this.statement(accountId, departureId);
    const recent = await this.log.newest({ departureId, ...actor }, new Date(this.clock.millis() - REUSED_FOR));
    if (recent) {
      const { issuedAt, sha256, position, loggedAt } = recent;
      const again = await this.sign({ ...statement, issuedAt });
      // Signatures are deterministic: the digest differs only if the statement or the key has changed.
      if (again.sha256 === sha256) return { jws: again.jws, payload: again.payload, position, loggedAt };
    }
    const issuedAt = this.clock.now().toISOString();
    const { jws, payload, sha256, kid } = await this.sign({ ...statement, issuedAt });
    const { userId: subjectId } = payload;
    const logged = await this.log.append({ accountId, ...actor, subjectId, departureId, sha256, kid, issuedAt });
    return { jws, payload, ...logged };
  }

  private async sign({ iss, issuedAt, ...statement }: DeletionStatement): Promise<Signed> {
    const payload = { iss, issuedAt, ...statement };
    const { kid, key } = this.keys.current('certificates');
    const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: CERTIFICATE_TYPE })
      .sign(key);
    return { jws, payload, sha256: sha256(jws).toString('hex'), kid };
  }

  /** Leaves out the reason, which is personal data. */
  private async statement(accountId: string, departureId: string): Promise<Omit<DeletionStatement, 'issuedAt'>> {
    const row = await this.departures.get(accountId, departureId);
    if (row.transition !== 'deleted' || row.status !== 'completed')
      throw new Problem('conflict', { detail: 'Only completed deletions have a certificate.' });
    const { userId, requestedBy, requestedAt, services } = await this.departures.view(accountId, departureId);
    const { preset, version } = row.policy;
    const copies = await this.copies.of(accountId, userId);
    return {
      iss: ISSUER,
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
      ...(copies.length > 0 && { copies }),
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
