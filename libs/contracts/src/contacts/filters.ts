import { Flag, Id, ListOf, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, NoBody, operation, OWNED, pageOf, resource, UserView, type Page } from '../operation.js';
import { Contact } from './contacts.js';
import { CrmRecord } from './records.js';

const service = 'contacts';

export const FILTER_FIELDS = ['name', 'phone', 'email', 'externalId', 'assignee', 'type', 'title', 'ownerId'] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];

export const FILTER_OPS = ['is', 'is-not', 'contains', 'is-empty'] as const;
export type FilterOp = (typeof FILTER_OPS)[number];

export const VISIBILITIES = ['public', 'private'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

const MOST_CONDITIONS = 50;

export class NewFilterCondition {
  @OneOf(FILTER_FIELDS, {
    about:
      'Fields of contacts: `name`, `phone`, `email`, `externalId`, `assignee`. Fields of records: `type`, `title`, ' +
      '`ownerId`. `assignee` and `ownerId` refer to a user.',
  })
  field: FilterField;

  @OneOf(FILTER_OPS, { about: '`contains` is for text fields. Case is ignored.' }) op: FilterOp;

  @Text({
    optional: true,
    nullable: true,
    about: 'Left out for `is-empty`. For a user, the id of one who has not left.',
  })
  value?: string | null;
}

export class FilterCondition {
  @OneOf(FILTER_FIELDS) field: FilterField;
  @OneOf(FILTER_OPS) op: FilterOp;
  @Text({ nullable: true }) value: string | null;
  @Nested(() => UserView, { nullable: true, about: 'The user that the condition refers to.' }) user: UserView | null;
  @Flag({ about: 'Whether it refers to a deleted user and therefore matches nothing.' }) matchesNobody: boolean;
}

export class NewFilter {
  @Text() name: string;
  @OneOf(VISIBILITIES, { optional: true, about: 'Default: `private`. It cannot be changed later.' })
  visibility?: Visibility;
  @ListOf(() => NewFilterCondition, { optional: true, max: MOST_CONDITIONS, about: 'All of them have to match.' })
  conditions?: NewFilterCondition[];
}

export class FilterChanges {
  @Text({ optional: true }) name?: string;
  @ListOf(() => NewFilterCondition, {
    optional: true,
    max: MOST_CONDITIONS,
    about: 'Replaces the conditions. Existing conditions may still refer to users who have left.',
  })
  conditions?: NewFilterCondition[];
  @Id({ optional: true, about: 'Hands it over to this user. A private filter is then visible to them only.' })
  ownerId?: string;
}

export class Filter {
  @Id() id: string;
  @Text() name: string;
  @OneOf(VISIBILITIES) visibility: Visibility;
  @ListOf(() => FilterCondition, { max: MOST_CONDITIONS }) conditions: FilterCondition[];
  @Flag({ about: 'Whether one of its conditions matches nothing, so that the filter finds nothing.' })
  matchesNobody: boolean;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class FilterQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(VISIBILITIES, { optional: true }) visibility?: Visibility;
}

/** A private filter is visible to its owner only. */
export const filters = resource({
  service,
  path: '/v1/filters',
  access: OWNED,
  noun: 'a filter',
  plural: 'filters',
  thing: Filter,
  create: NewFilter,
  query: FilterQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: FilterChanges,
  updateSummary: 'Change the name or the conditions of a filter, or hand it over to another user',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});

export const filtersContacts = operation<Page<Contact>, NoBody, ListQuery>({
  id: 'filters.contacts',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/filters/:id/contacts',
  summary: 'List the contacts that a filter finds; record conditions have to match one of their records',
  query: ListQuery,
  answer: pageOf(Contact),
  errors: ['not-found'],
});

export const filtersRecords = operation<Page<CrmRecord>, NoBody, ListQuery>({
  id: 'filters.records',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/filters/:id/records',
  summary: 'List the records that a filter finds; contact conditions have to match their contact',
  query: ListQuery,
  answer: pageOf(CrmRecord),
  errors: ['not-found'],
});
