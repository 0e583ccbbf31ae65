import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import { bulkDeparturesApprove, bulkDeparturesRefuse, type BulkDeparture, type CallOf } from '#libs/contracts';
import { BulkReport } from '../bulk-report.js';
import { BulkApprovals } from './bulk-approvals.js';

/** Decisions of managers about lists that others have requested. */
@Controller()
export class BulkApprovalController {
  constructor(
    private readonly approvals: BulkApprovals,
    private readonly report: BulkReport,
  ) {}

  @Prepares(bulkDeparturesApprove)
  prepare({ principal, params, body }: CallOf<typeof bulkDeparturesApprove>): Promise<void> {
    return this.approvals.prepare(principal, params.id!, body);
  }

  @Handles(bulkDeparturesApprove)
  async approve({ principal, params, body }: CallOf<typeof bulkDeparturesApprove>): Promise<BulkDeparture> {
    await this.approvals.approve(principal, params.id!, body);
    return this.report.get(principal.accountId, params.id!, {});
  }

  @Handles(bulkDeparturesRefuse)
  async refuse({ principal, params, body }: CallOf<typeof bulkDeparturesRefuse>): Promise<BulkDeparture> {
    await this.approvals.refuse(principal, params.id!, body.reason);
    return this.report.get(principal.accountId, params.id!, {});
  }
}
