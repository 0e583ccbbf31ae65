import { ENTERPRISE, GROUP, PATCH_OP, USER } from '../support/scim-api.js';
import { including, TEXT, type Step } from './step.js';

const person = {
  schemas: [USER, ENTERPRISE],
  userName: 'vera@entra-validation.example',
  externalId: 'entra-1',
  active: true,
  displayName: 'Vera Lid',
  name: { givenName: 'Vera', familyName: 'Lid', middleName: 'A.', honorificSuffix: 'MA' },
  emails: [{ primary: true, type: 'work', value: 'vera@entra-validation.example' }],
  [ENTERPRISE]: { employeeNumber: 'V-1' },
};
const replacing = (attributes: Record<string, unknown>) => ({
  schemas: [PATCH_OP],
  Operations: Object.entries(attributes).map(([path, value]) => ({ op: 'Replace', path, value })),
});
const optional = ['externalId', 'name.givenName', 'name.familyName', 'name.middleName', 'name.honorificSuffix'];
const emptied = (value: string | null) => replacing(Object.fromEntries(optional.map((path) => [path, value])));
const attributesOf = (...names: string[]) => ({ attributes: including(...names.map((name) => ({ name }))) });
const numbers = (most: number) => Array.from({ length: most }, (_, at) => at + 1);
const pages = (type: 'Users' | 'Groups'): Step[] =>
  [1, 6, 11].map((startIndex) => ({
    asks: `five ${type} from the one numbered ${startIndex}`,
    send: ['GET', `/${type}?startIndex=${startIndex}&count=5`],
    status: 200,
    holds: { startIndex, itemsPerPage: startIndex === 11 ? 1 : 5 },
  }));

/**
 * Microsoft's validation for its gallery (MIT): Microsoft.SCIM.LogicAppValidationTemplate/StandardLogicApp/
 * SCIM-Validation-Test-Overview.md of AzureAD/SCIMReferenceCode at 3372c7e8. Most of its 25 tests run in a tenant of Entra.
 * This file has those that call the endpoint itself: 15 to 20, 23 and 24. The validation itself skips 21, 22 and 25 without
 * OAuth tokens and managers.
 */
export const entraValidation: readonly Step[] = [
  {
    asks: 'every mapped attribute in the schemas',
    send: ['GET', '/Schemas'],
    status: 200,
    holds: {
      Resources: including(
        { id: USER, ...attributesOf('userName', 'active', 'displayName', 'emails', 'name') },
        { id: ENTERPRISE, ...attributesOf('employeeNumber') },
        { id: GROUP, ...attributesOf('displayName', 'members') },
      ),
    },
  },
  {
    asks: 'a user whose name comes back as sent',
    send: ['POST', '/Users', person],
    status: 201,
    holds: { id: TEXT, userName: person.userName },
    keep: { id: 'id' },
  },
  ...(['', null] as const).flatMap((nothing): Step[] => [
    {
      asks: `that optional attributes are emptied by ${JSON.stringify(nothing)}`,
      send: ['PATCH', '/Users/{{id}}', emptied(nothing)],
      status: 200,
    },
    {
      asks: `no parts of the name after ${JSON.stringify(nothing)}`,
      send: ['GET', '/Users/{{id}}'],
      status: 200,
      holds: expect.objectContaining({ name: { formatted: person.displayName }, displayName: person.displayName }),
    },
    {
      asks: `no external id after ${JSON.stringify(nothing)}`,
      send: ['GET', '/Users/{{id}}'],
      status: 200,
      holds: expect.not.objectContaining({ externalId: expect.anything() }),
    },
  ]),
  {
    asks: 'nothing as the name and the staff id',
    send: ['PATCH', '/Users/{{id}}', replacing({ displayName: '', [`${ENTERPRISE}:employeeNumber`]: null })],
    status: 200,
    holds: { displayName: person.displayName, [ENTERPRISE]: { employeeNumber: 'V-1' } },
    differs: 'Emptying what everybody has',
  },
  {
    asks: 'a change of every attribute at once',
    send: [
      'PATCH',
      '/Users/{{id}}',
      replacing({
        userName: 'changed@entra-validation.example',
        displayName: 'Changed All',
        'name.givenName': 'Given',
        'name.familyName': 'Family',
        'emails[type eq "work"].value': 'work@entra-validation.example',
        externalId: 'entra-2',
        [`${ENTERPRISE}:employeeNumber`]: 'V-2',
      }),
    ],
    status: 200,
  },
  {
    asks: 'every change',
    send: ['GET', '/Users/{{id}}'],
    status: 200,
    holds: {
      userName: 'changed@entra-validation.example',
      displayName: 'Changed All',
      name: { givenName: 'Given', familyName: 'Family' },
      emails: [{ value: 'work@entra-validation.example', type: 'work' }],
      externalId: 'entra-2',
      [ENTERPRISE]: { employeeNumber: 'V-2' },
    },
  },
  {
    asks: 'a group whose name comes back as sent',
    send: ['POST', '/Groups', { schemas: [GROUP], displayName: 'Validation', externalId: 'entra-group' }],
    status: 201,
    holds: { id: TEXT, displayName: 'Validation' },
    keep: { group: 'id' },
  },
  {
    asks: 'a change of the group',
    send: ['PATCH', '/Groups/{{group}}', replacing({ displayName: 'Validated', externalId: 'entra-group-2' })],
    status: 204,
  },
  {
    asks: 'the changed group',
    send: ['GET', '/Groups/{{group}}'],
    status: 200,
    holds: { displayName: 'Validated', externalId: 'entra-group-2' },
  },
  // There are eleven users, with the owner and the user created before, and eleven groups, with the one created before.
  ...numbers(9).map((n): Step => ({
    asks: `user ${n} to fill the pages`,
    send: ['POST', '/Users', { schemas: [USER], userName: `page${n}@entra-validation.example` }],
    status: 201,
  })),
  ...pages('Users'),
  ...numbers(10).map((n): Step => ({
    asks: `group ${n} to fill the pages`,
    send: ['POST', '/Groups', { schemas: [GROUP], displayName: `Page ${n}` }],
    status: 201,
  })),
  ...pages('Groups'),
];
