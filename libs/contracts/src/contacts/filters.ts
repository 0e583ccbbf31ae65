import { Flag, Id, ListOf, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, resource, UserView, type Page } from '../operation.js';
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
      'Of the contact: `name`, `phone`, `email`, `externalId`, `assignee`. Of the record: `type`, `title`, `ownerId`. ' +
      '`assignee` and `ownerId` name a user.',
  })
  field: FilterField;

  @OneOf(FILTER_OPS, { about: '`contains` is for text; case does not matter in either.' }) op: FilterOp;

  @Text({
    optional: true,
    nullable: true,
    about: 'Nothing for `is-empty`; the id of somebody who has not left for a user.',
  })
  value?: string | null;
}

export class FilterCondition {
  @OneOf(FILTER_FIELDS) field: FilterField;
  @OneOf(FILTER_OPS) op: FilterOp;
  @Text({ nullable: true }) value: string | null;
  @Nested(() => UserView, { nullable: true, about: 'Whom the condition names.' }) user: UserView | null;
  @Flag({ about: 'It names a deleted user, by whom nothing can be found any more.' }) matchesNobody: boolean;
}

export class NewFilter {
  @Text() name: string;
  @OneOf(VISIBILITIES, { optional: true, about: '`private` unless given; cannot be changed later.' })
  visibility?: Visibility;
  @ListOf(() => NewFilterCondition, { optional: true, max: MOST_CONDITIONS, about: 'All of them have to hold.' })
  conditions?: NewFilterCondition[];
}

export class FilterChanges {
  @Text({ optional: true }) name?: string;
  @ListOf(() => NewFilterCondition, {
    optional: true,
    max: MOST_CONDITIONS,
    about: 'In place of those before. One that was there already may go on naming somebody who has left.',
  })
  conditions?: NewFilterCondition[];
}

export class Filter {
  @Id() id: string;
  @Text() name: string;
  @OneOf(VISIBILITIES) visibility: Visibility;
  @ListOf(() => FilterCondition, { max: MOST_CONDITIONS }) conditions: FilterCondition[];
  @Flag({ about: 'One of its conditions matches nobody, so that the filter finds nothing.' }) matchesNobody: boolean;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class FilterQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(VISIBILITIES, { optional: true }) visibility?: Visibility;
}

/** A private one is there for its owner alone. */
export const filters = resource({
  service,
  path: '/v1/filters',
  noun: 'a filter',
  thing: Filter,
  create: NewFilter,
  query: FilterQuery,
  errors: ['unknown-user', 'inactive-user'],
});

export const filtersUpdate = operation<Filter, FilterChanges>({
  id: 'filters.update',
  service,
  method: 'PATCH',
  path: '/v1/filters/:id',
  summary: 'Change the name or the conditions of a filter',
  body: FilterChanges,
  answer: Filter,
  errors: ['not-found', 'unknown-user', 'inactive-user'],
});

export const filtersContacts = operation<Page<Contact>, NoBody, ListQuery>({
  id: 'filters.contacts',
  service,
  method: 'GET',
  path: '/v1/filters/:id/contacts',
  summary: 'List the contacts that a filter finds; what it says of records has to hold for one of theirs',
  query: ListQuery,
  answer: pageOf(Contact),
  errors: ['not-found'],
});

export const filtersRecords = operation<Page<CrmRecord>, NoBody, ListQuery>({
  id: 'filters.records',
  service,
  method: 'GET',
  path: '/v1/filters/:id/records',
  summary: 'List the records that a filter finds; what it says of contacts has to hold for theirs',
  query: ListQuery,
  answer: pageOf(CrmRecord),
  errors: ['not-found'],
});
