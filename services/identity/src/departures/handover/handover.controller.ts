import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { departuresHandover, type CallOf, type HandoverReport } from '#libs/contracts';
import { actorOf } from '../../audit/audit.js';
import { Occurrences } from '../../audit/occurrences.js';
import { HandoverReports } from './handover-reports.js';

@Controller()
export class HandoverController {
  constructor(
    private readonly reports: HandoverReports,
    private readonly occurrences: Occurrences,
  ) {}

  @Handles(departuresHandover)
  async report({ principal, params, query }: CallOf<typeof departuresHandover>): Promise<HandoverReport> {
    const report = await this.reports.of(principal, params.id!, query);
    const { accountId } = principal;
    this.occurrences.record({
      ...{ accountId, action: 'handover.read' },
      ...actorOf(principal),
      subjectId: report.user.id,
    });
    return report;
  }
}
