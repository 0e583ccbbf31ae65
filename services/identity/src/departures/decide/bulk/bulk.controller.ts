import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import { bulkDeparturesGet, departuresBulk, type BulkDeparture, type CallOf, type StartedBulk } from '#libs/contracts';
import { BulkDepartures } from './bulk-departures.js';
import { BulkReport } from './bulk-report.js';
import { ListTelling } from './list-telling.js';
import { DryRunReport } from './dry-run/dry-run-report.js';

@Controller()
export class BulkController {
  constructor(
    private readonly bulks: BulkDepartures,
    private readonly report: BulkReport,
    private readonly dryRuns: DryRunReport,
    private readonly telling: ListTelling,
  ) {}

  @Prepares(departuresBulk)
  async prepare({ principal, body }: CallOf<typeof departuresBulk>): Promise<void> {
    await this.telling.check(principal.accountId, body);
  }

  @Handles(departuresBulk)
  start({ principal, query, body }: CallOf<typeof departuresBulk>): Promise<StartedBulk> {
    return this.bulks.start(principal, query, body);
  }

  @Handles(bulkDeparturesGet)
  async get({ principal, params, query }: CallOf<typeof bulkDeparturesGet>): Promise<BulkDeparture> {
    const { accountId } = principal;
    const dryRun = await this.dryRuns.find(accountId, params.id!, query);
    return dryRun ?? this.report.get(accountId, params.id!, query);
  }
}
