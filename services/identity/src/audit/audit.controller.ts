import { Controller } from '@nestjs/common';
import { Answers, Handles } from '#libs/broker';
import {
  auditLines,
  auditList,
  auditVerify,
  recordAccess,
  type AuditEntry,
  type AuditVerification,
  type CallOf,
  type DataAccess,
  type Page,
} from '#libs/contracts';
import { AuditExport } from './audit-export.js';
import { AuditTrail } from './audit-trail.js';
import { AuditVerifier } from './audit-verifier.js';
import { Occurrences } from './occurrences.js';

@Controller()
export class AuditController {
  constructor(
    private readonly trail: AuditTrail,
    private readonly exports: AuditExport,
    private readonly verifier: AuditVerifier,
    private readonly occurrences: Occurrences,
  ) {}

  @Handles(auditList)
  list({ principal, query }: CallOf<typeof auditList>): Promise<Page<AuditEntry>> {
    return this.trail.page(principal.accountId, query);
  }

  @Answers(auditLines)
  lines(request: Parameters<AuditExport['lines']>[0]): ReturnType<AuditExport['lines']> {
    return this.exports.lines(request);
  }

  @Handles(auditVerify)
  verify({ principal }: CallOf<typeof auditVerify>): Promise<AuditVerification> {
    return this.verifier.verify(principal.accountId);
  }

  @Answers(recordAccess, { acrossAccounts: 'A batch of accesses is of several accounts.' })
  async recordAccess({ accesses }: { accesses: DataAccess[] }): Promise<Record<string, never>> {
    for (const { action, accountId, actorId, subjectId } of accesses)
      this.occurrences.record({ action, accountId, actorId, subjectId });
    return {};
  }
}
