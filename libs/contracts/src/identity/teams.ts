import { Id, Ids, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

export class Team {
  @Id() id: string;
  @Text() name: string;
  @Ids({ max: 100_000 }) memberIds: string[];
}

export class NewTeam {
  @Text() name: string;
}

const identity = { service: 'identity' } as const;
const managed = { ...identity, access: MANAGERS } as const;

export const teamsList = operation<Page<Team>, NoBody, ListQuery>({
  ...identity,
  id: 'teams.list',
  method: 'GET',
  access: 'signed-in',
  path: '/v1/teams',
  summary: 'List teams',
  query: ListQuery,
  answer: pageOf(Team),
});

export const teamsCreate = operation<Team, NewTeam>({
  ...managed,
  id: 'teams.create',
  method: 'POST',
  path: '/v1/teams',
  summary: 'Create a team',
  body: NewTeam,
  answer: Team,
  errors: ['conflict'],
});

export const teamsGet = operation<Team>({
  ...identity,
  id: 'teams.get',
  method: 'GET',
  access: 'signed-in',
  path: '/v1/teams/:id',
  summary: 'Read a team',
  answer: Team,
  errors: ['not-found'],
});

export const teamsUpdate = operation<Team, NewTeam>({
  ...managed,
  id: 'teams.update',
  method: 'PATCH',
  path: '/v1/teams/:id',
  summary: 'Rename a team',
  body: NewTeam,
  answer: Team,
  errors: ['not-found', 'conflict'],
});

export const teamsRemove = operation({
  ...managed,
  id: 'teams.remove',
  method: 'DELETE',
  path: '/v1/teams/:id',
  summary: 'Delete a team',
  errors: ['not-found'],
});

export const teamMembersAdd = operation({
  ...managed,
  id: 'teams.members.add',
  method: 'PUT',
  path: '/v1/teams/:id/members/:userId',
  summary: 'Add a user to a team',
  errors: ['not-found', 'unknown-user', 'inactive-user'],
});

export const teamMembersRemove = operation({
  ...managed,
  id: 'teams.members.remove',
  method: 'DELETE',
  path: '/v1/teams/:id/members/:userId',
  summary: 'Remove a user from a team',
  errors: ['not-found'],
});
