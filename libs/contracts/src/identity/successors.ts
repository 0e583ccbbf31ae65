import { Id, ListOf, OneOf, Shape, Text, Whole } from '../fields.js';
import type { Schema } from '../fields/registry.js';
import { UserView } from '../operation.js';
import { MOST_RECEIVERS, TEAM_WAYS, type TeamWay } from '../policy.js';

/**
 * Who gets a leaver's rows: a user, by id or as an object; the active members of a team, by default in turn; or the leaver's
 * manager, as of the moment when the departure is carried out.
 */
export type SuccessorChoice = string | { userId: string } | { teamId: string; by?: TeamWay } | { manager: true };

/** The successors by rule id; `default` for all other rules. */
export type NamedSuccessors = Record<string, SuccessorChoice>;

const ID: Schema = { type: 'string', format: 'uuid' };
const only = (properties: Record<string, Schema>, required: string): Schema => ({
  type: 'object',
  properties,
  required: [required],
  additionalProperties: false,
});

const SUCCESSOR_SCHEMA: Schema = {
  anyOf: [
    ID,
    only({ userId: ID }, 'userId'),
    only({ teamId: ID, by: { type: 'string', enum: [...TEAM_WAYS] } }, 'teamId'),
    only({ manager: { type: 'boolean', enum: [true] } }, 'manager'),
  ],
};

export const Successors = () =>
  Shape(
    { type: 'object', additionalProperties: SUCCESSOR_SCHEMA },
    'an object: rule id, or `default`, → user id, {userId}, {teamId, by} or {manager: true}',
    {
      optional: true,
      about:
        'The successors by rule id; `default` for all other rules. A successor is a user (the id, or `{userId}`), the active ' +
        'members of a team (`{teamId, by}`; `round-robin`, the default, or `fewest-open`: those with the fewest such rows get ' +
        `them first; at most ${MOST_RECEIVERS} members), or the manager of the leaver (\`{manager: true}\`). Rows of a ` +
        'successor who has left by then go to the first admin.',
    },
  );

/** Who gets rows in a departure. */
export type Receivers = string | { userId: string; affected: number }[];

export const ReceiversField = () =>
  Shape(
    {
      anyOf: [
        ID,
        {
          type: 'array',
          items: {
            type: 'object',
            properties: { userId: ID, affected: { type: 'integer', minimum: 0 } },
            required: ['userId', 'affected'],
            additionalProperties: false,
          },
        },
      ],
    },
    'a user id or a list of {userId, affected}',
    {
      optional: true,
      about:
        'Who gets the rows: the id of the successor who is named by the id alone, or of the first admin. If the request has ' +
        'named `{userId}`, a team or the manager: how many rows each receiver has got.',
    },
  );

/** The receivers of a line of a receipt that have got rows. */
export function receiversOf({ transferredTo, affected }: { transferredTo?: Receivers; affected: number }) {
  if (Array.isArray(transferredTo)) return transferredTo;
  return transferredTo === undefined || affected === 0 ? [] : [{ userId: transferredTo, affected }];
}

/** The most members of a team that a preview lists. */
export const MEMBERS_LISTED = 100;

/** Whom a named successor stands for. */
export class PreviewedSuccessor {
  @Text({ about: 'The rule id, or `default`.' }) rule: string;
  @OneOf(['user', 'team', 'manager']) kind: 'user' | 'team' | 'manager';
  @Id({ optional: true }) teamId?: string;
  @Text({ optional: true, about: 'The name of the team.' }) teamName?: string;
  @OneOf(TEAM_WAYS, { optional: true, about: 'How the members of the team share the rows.' }) by?: TeamWay;
  @ListOf(() => UserView, {
    max: MEMBERS_LISTED,
    about: `The user, or at most ${MEMBERS_LISTED} of the team’s active members.`,
  })
  users: UserView[];
  @Whole({ about: 'The number of these users, including those who are not listed.' }) total: number;
}
