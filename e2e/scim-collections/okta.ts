import { PATCH_OP, USER } from '../support/scim-api.js';
import { LIST, NUMBER, refused, TEXT, type Step } from './step.js';

const person = {
  schemas: [USER],
  userName: 'runa.scope@okta-spec.example',
  name: { givenName: 'Runa', familyName: 'Scope' },
  emails: [{ primary: true, value: 'runa.scope@okta-spec.example', type: 'work' }],
  displayName: 'Runa Scope',
  active: true,
};
const complete = {
  id: TEXT,
  name: { familyName: TEXT, givenName: TEXT },
  userName: TEXT,
  active: expect.any(Boolean),
  emails: [{ value: TEXT }],
};
const configured = { supported: expect.any(Boolean) };
const nobody = { schemas: [LIST], totalResults: 0 };

/**
 * "Okta SCIM 2.0 SPEC Test", exported 2024-05-13, in okta/okta-developer-docs at 1018caa0:
 * packages/@okta/vuepress-site/.vuepress/public/standards/SCIM/SCIMFiles/Okta-SCIM-20-SPEC-Test.json
 */
export const oktaSpec: readonly Step[] = [
  {
    asks: 'a page of one user, complete with both names and an address',
    send: ['GET', '/Users?count=1&startIndex=1'],
    status: 200,
    holds: { schemas: [LIST], itemsPerPage: 1, startIndex: 1, totalResults: NUMBER, Resources: [complete] },
    keep: { first: 'Resources.0.id' },
  },
  {
    asks: 'the same user by id',
    send: ['GET', '/Users/{{first}}'],
    status: 200,
    holds: { ...complete, id: '{{first}}' },
  },
  {
    asks: 'an empty list for a user name that nobody has',
    send: ['GET', '/Users?filter=userName eq "nobody@okta-spec.example"'],
    status: 200,
    holds: nobody,
  },
  { asks: 'an error for an id that nobody has', send: ['GET', '/Users/00uNobody'], status: 404, holds: refused(404) },
  {
    asks: 'that the user to be made is not there',
    send: ['GET', `/Users?filter=userName eq "${person.userName}"`],
    status: 200,
    holds: nobody,
  },
  {
    asks: 'a new user, answered as sent',
    send: ['POST', '/Users', person],
    headers: { 'content-type': 'application/json', accept: 'application/scim+json; charset=utf-8' },
    status: 201,
    holds: {
      id: TEXT,
      active: true,
      name: person.name,
      schemas: expect.arrayContaining([USER]),
      userName: person.userName,
    },
    keep: { made: 'id' },
  },
  {
    asks: 'the new user by id',
    send: ['GET', '/Users/{{made}}'],
    status: 200,
    holds: { userName: person.userName, name: person.name },
  },
  {
    asks: 'a conflict when the user is made again',
    send: ['POST', '/Users', person],
    headers: { 'content-type': 'application/json' },
    status: 409,
    holds: refused(409, { scimType: 'uniqueness' }),
  },
  {
    asks: 'the user by the name in capitals',
    send: ['GET', `/Users?filter=userName eq "${person.userName.toUpperCase()}"`],
    status: 200,
    holds: { totalResults: 1, Resources: [{ id: '{{made}}' }] },
  },
  {
    asks: 'the list of groups',
    send: ['GET', '/Groups'],
    status: 200,
    holds: { schemas: [LIST], totalResults: NUMBER, Resources: expect.any(Array) },
  },
  {
    asks: 'an error for what is no token',
    send: ['GET', `/Users?filter=userName eq "${person.userName.toUpperCase()}"`],
    headers: { authorization: 'non-token' },
    status: 401,
    holds: refused(401),
  },
  {
    asks: 'an error for an id of digits',
    send: ['GET', '/Users/00919288221112222'],
    status: 404,
    holds: refused(404),
  },
];

/** Further requests in the export of 2016-11-07, from a copy in mwhorse46/node_okta_app at 68aa784e. */
export const oktaSpecOf2016: readonly Step[] = [
  {
    asks: 'the configuration, with every feature said to be there or not',
    send: ['GET', '/ServiceProviderConfig'],
    status: 200,
    holds: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: configured,
      bulk: { ...configured, maxOperations: NUMBER, maxPayloadSize: NUMBER },
      filter: { ...configured, maxResults: NUMBER },
      changePassword: configured,
      sort: configured,
      etag: configured,
      authenticationSchemes: [{ type: TEXT, description: TEXT }],
    },
  },
  {
    asks: 'the kinds of resources',
    send: ['GET', '/ResourceTypes'],
    status: 200,
    holds: {
      schemas: [LIST],
      Resources: expect.arrayContaining([expect.objectContaining({ name: TEXT, endpoint: TEXT, schema: TEXT })]),
    },
  },
  {
    asks: 'the schemas',
    send: ['GET', '/Schemas'],
    status: 200,
    holds: {
      schemas: [LIST],
      Resources: expect.arrayContaining([expect.objectContaining({ id: TEXT, attributes: expect.any(Array) })]),
    },
  },
  ...['/ServiceProviderConfig', '/ResourceTypes', '/Schemas'].map((path): Step => ({
    asks: `that ${path} can only be read`,
    send: ['POST', path, 'test'],
    status: 405,
    holds: refused(405),
  })),
  {
    asks: 'an error for a filter that is a mere user name',
    send: ['GET', '/Users?filter=RUNA.SCOPE@OKTA-SPEC.EXAMPLE'],
    status: 400,
    holds: refused(400, { scimType: 'invalidFilter' }),
  },
];

const worker = { ...person, userName: 'cara.rud@okta-crud.example', name: { givenName: 'Cara', familyName: 'Rud' } };
const employed = { ...worker, displayName: 'Cara Rud', emails: [{ ...person.emails[0], value: worker.userName }] };
const renamed = { ...employed, name: { givenName: 'Carla', familyName: 'Rud' }, displayName: 'Carla Rud' };
const activation = (active: boolean) => ({ schemas: [PATCH_OP], Operations: [{ op: 'replace', value: { active } }] });

/**
 * "Okta SCIM 2.0 CRUD Test", exported 2016-11-07, in okta/okta-developer-docs at 12e40bd8 beside the other one. Five of its
 * requests read the result of changes that Okta makes in between; those requests are reproduced from Okta's reference. The
 * expected answer to a deactivation comes from Okta's beta test: SCIM_tests_for_Runscope.json of
 * joelfranusic-okta/okta-scim-beta at 14ca30a4 (MIT).
 */
export const oktaCrud: readonly Step[] = [
  { asks: 'nothing yet: Okta assigns the user', send: ['POST', '/Users', employed], status: 201 },
  {
    asks: 'the assigned user by name',
    send: ['GET', `/Users?filter=userName eq "${employed.userName}"`],
    status: 200,
    holds: {
      Resources: [{ userName: employed.userName, emails: [{ value: employed.userName }], name: employed.name }],
    },
    keep: { id: 'Resources.0.id' },
  },
  { asks: 'nothing yet: Okta renames the user', send: ['PUT', '/Users/{{id}}', renamed], status: 200 },
  {
    asks: 'the new first name',
    send: ['GET', '/Users/{{id}}'],
    status: 200,
    holds: { name: { givenName: 'Carla' } },
  },
  {
    asks: 'that a deactivation is answered with the user',
    send: ['PATCH', '/Users/{{id}}', activation(false)],
    status: 200,
    holds: { active: false },
  },
  { asks: 'the deactivated user', send: ['GET', '/Users/{{id}}'], status: 200, holds: { active: false } },
  { asks: 'nothing yet: Okta assigns the user again', send: ['PUT', '/Users/{{id}}', renamed], status: 200 },
  { asks: 'the reactivated user', send: ['GET', '/Users/{{id}}'], status: 200, holds: { active: true } },
  { asks: 'nothing yet: Okta takes the user out', send: ['PATCH', '/Users/{{id}}', activation(false)], status: 200 },
  { asks: 'the user taken out, inactive', send: ['GET', '/Users/{{id}}'], status: 200, holds: { active: false } },
];
