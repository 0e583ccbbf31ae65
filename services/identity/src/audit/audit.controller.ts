import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  auditList,
  auditVerify,
  type AuditEntry,
  type AuditVerification,
  type CallOf,
  type Page,
} from '#libs/contracts';
import { AuditTrail } from './audit-trail.js';
import { AuditVerifier } from './audit-verifier.js';

@Controller()
export class AuditController {
  constructor(
    private readonly trail: AuditTrail,
    private readonly verifier: AuditVerifier,
  ) {}

  @Handles(auditList)
  list({ principal, query }: CallOf<typeof auditList>): Promise<Page<AuditEntry>> {
    return this.trail.page(principal.accountId, query);
  }

  @Handles(auditVerify)
  verify({ principal }: CallOf<typeof auditVerify>): Promise<AuditVerification> {
    return this.verifier.verify(principal.accountId);
  }
}
