import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { bulkDeparturesGet, departuresBulk, type BulkDeparture, type CallOf, type StartedBulk } from '#libs/contracts';
import { BulkDepartures } from './bulk-departures.js';
import { BulkReport } from './bulk-report.js';

@Controller()
export class BulkController {
  constructor(
    private readonly bulks: BulkDepartures,
    private readonly report: BulkReport,
  ) {}

  @Handles(departuresBulk)
  start({ principal, query, body }: CallOf<typeof departuresBulk>): Promise<StartedBulk> {
    return this.bulks.start(principal, query, body);
  }

  @Handles(bulkDeparturesGet)
  get({ principal, params, query }: CallOf<typeof bulkDeparturesGet>): Promise<BulkDeparture> {
    return this.report.get(principal.accountId, params.id!, query);
  }
}
