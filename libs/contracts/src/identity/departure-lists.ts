import {
  DEPARTURE_TRANSITIONS,
  SERVICE_STATUSES,
  type DepartureTransition,
  type ServiceStatus,
} from './departure-receipts.js';
import { DEPARTURE_STATUSES, DepartureSummary, type DepartureStatus } from './departures.js';
import { Id, Moment, OneOf, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

const DEPARTURE_SORTS = ['-requestedAt', 'requestedAt', 'effectiveAt', '-effectiveAt'] as const;

export class DepartureQuery extends ListQuery {
  @Id({ optional: true }) userId?: string;
  @OneOf(DEPARTURE_TRANSITIONS, { optional: true }) transition?: DepartureTransition;
  @OneOf(DEPARTURE_STATUSES, { optional: true }) status?: DepartureStatus;
  @Text({
    optional: true,
    about: 'Part of the name, the email or the staff id of the user. A deleted user has none of them.',
  })
  q?: string;
  @Text({ optional: true, about: 'A service that takes part, whatever its state.' }) service?: string;
  @OneOf(SERVICE_STATUSES, {
    optional: true,
    about: 'The state of that service; without `service`, of any service: `failed` finds what has failed somewhere.',
  })
  serviceStatus?: ServiceStatus;
  @Text({
    optional: true,
    about: 'The id of a rule that has failed in an open departure, or has left rows that it should have changed.',
  })
  failedRule?: string;
  @Id({ optional: true, about: 'The user who requested it.' }) requestedBy?: string;
  @Moment({ optional: true, about: 'Requested at or after this time.' }) from?: string;
  @Moment({ optional: true, about: 'Requested before this time.' }) to?: string;
  @OneOf(DEPARTURE_SORTS, {
    optional: true,
    about: 'Default: `-requestedAt`, newest first. A cursor belongs to one order.',
  })
  sort?: (typeof DEPARTURE_SORTS)[number];
}

export const departuresList = operation<Page<DepartureSummary>, NoBody, DepartureQuery>({
  service: 'identity',
  access: MANAGERS,
  id: 'departures.list',
  method: 'GET',
  path: '/v1/departures',
  summary: 'List departures without what their rules have done',
  query: DepartureQuery,
  answer: pageOf(DepartureSummary),
});
