import type { CertificateVerification } from '#libs/contracts';
import { AuditHeadsWorker } from '../../services/identity/src/audit/heads/audit-heads.worker.js';
import type { Api, Json } from './api.js';
import type { System } from './system.js';

/** Verifies a certificate as anybody can. */
export const verificationOf = (system: System, jws: string): Promise<CertificateVerification> =>
  system.api().post<CertificateVerification & Json>('/v1/certificates/verify', { jws });

/** The certificate of a deletion, after its entry in the log was published. */
export async function publishedCertificate(system: System, owner: Api, { id }: { id: string }) {
  const { jws } = await owner.get<{ jws: string }>(`/v1/departures/${id}/certificate`);
  await system.services.get('identity')!.app.get(AuditHeadsWorker, { strict: false }).drain();
  return { jws, verification: await verificationOf(system, jws) };
}
