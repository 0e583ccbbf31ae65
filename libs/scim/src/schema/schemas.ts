import { attribute, type AttributeDefinition } from './attribute-definition.js';
import { SCIM_CORE, SCIM_ENTERPRISE_USER, SCIM_GROUP, SCIM_USER } from '../urns.js';

/** A schema (RFC 7643, 7). */
export interface Schema {
  schemas: string[];
  id: string;
  name: string;
  description: string;
  attributes: AttributeDefinition[];
}

const namePart = (name: string) => attribute(name, `The ${name} part of the name.`);

/** A multi-valued attribute of references to other resources by id. */
function references(
  name: string,
  description: string,
  to: 'User' | 'Group',
  mutability: 'readOnly' | 'readWrite',
): AttributeDefinition {
  const inner = mutability === 'readOnly' ? 'readOnly' : 'immutable';
  return attribute(name, description, {
    type: 'complex',
    multiValued: true,
    mutability,
    subAttributes: [
      attribute('value', `Id of the ${to}.`, { mutability: inner }),
      attribute('$ref', `URL of the ${to}.`, { type: 'reference', referenceTypes: [to], mutability: inner }),
      attribute('display', 'Name for display.', { mutability: 'readOnly' }),
      attribute('type', 'Type of the membership.', { mutability: inner }),
    ],
  });
}

const USER_ATTRIBUTES = [
  attribute('userName', 'Name of the user at the identity provider; their email unless the two differ.', {
    required: true,
    uniqueness: 'server',
  }),
  attribute('name', 'The parts of the name.', {
    type: 'complex',
    subAttributes: ['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix'].map(
      namePart,
    ),
  }),
  attribute('displayName', 'Name as it is shown everywhere.'),
  attribute('emails', 'One address is kept: the primary one, or else the one of type work.', {
    type: 'complex',
    multiValued: true,
    subAttributes: [
      attribute('value', 'The address.', { uniqueness: 'server' }),
      attribute('type', 'Always work.', { canonicalValues: ['work'] }),
      attribute('primary', 'Always true.', { type: 'boolean' }),
    ],
  }),
  attribute('active', 'False deactivates the user, true reactivates them.', { type: 'boolean' }),
  attribute('password', 'Used when the user is created. A user without one is invited by mail.', {
    mutability: 'writeOnly',
    returned: 'never',
    caseExact: true,
  }),
  references('groups', 'The teams of the user.', 'Group', 'readOnly'),
];

const schema = (id: string, name: string, description: string, attributes: AttributeDefinition[]): [string, Schema] => [
  id,
  { schemas: [`${SCIM_CORE}:Schema`], id, name, description, attributes },
];

/** Attributes of every resource, which schemas leave out (RFC 7643, 3.1). */
export const COMMON_ATTRIBUTES: readonly AttributeDefinition[] = [
  attribute('schemas', 'URNs of the schemas.', { multiValued: true, caseExact: true, returned: 'always' }),
  attribute('id', 'Id of the resource here.', { caseExact: true, mutability: 'readOnly', returned: 'always' }),
  attribute('externalId', 'Id of the resource at the client.', { caseExact: true }),
  attribute('meta', 'Facts about the resource.', {
    type: 'complex',
    mutability: 'readOnly',
    subAttributes: [
      attribute('resourceType', 'Name of the resource type.', { caseExact: true, mutability: 'readOnly' }),
      attribute('created', 'When it was created.', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('lastModified', 'When it was last changed.', { type: 'dateTime', mutability: 'readOnly' }),
      attribute('location', 'URL of the resource.', { type: 'reference', mutability: 'readOnly' }),
      attribute('version', 'The ETag.', { caseExact: true, mutability: 'readOnly' }),
    ],
  }),
];

/** By URN. */
export const SCHEMAS: ReadonlyMap<string, Schema> = new Map([
  schema(SCIM_USER, 'User', 'User Account', USER_ATTRIBUTES),
  schema(SCIM_ENTERPRISE_USER, 'EnterpriseUser', 'What an employer records about a user', [
    attribute('employeeNumber', 'The staff id. Unless it is given, the first externalId or userName.', {
      uniqueness: 'server',
      caseExact: true,
    }),
    attribute('manager', 'The user whom the user reports to.', {
      type: 'complex',
      subAttributes: [
        attribute('value', 'Id of the manager. Another name by which the account knows them is accepted.', {
          caseExact: true,
        }),
        attribute('$ref', 'URL of the manager.', { type: 'reference', referenceTypes: ['User'] }),
        attribute('displayName', 'Name of the manager.', { mutability: 'readOnly' }),
      ],
    }),
  ]),
  schema(SCIM_GROUP, 'Group', 'A team', [
    attribute('displayName', 'Name of the team.', { required: true, uniqueness: 'server' }),
    references('members', 'The users in the team.', 'User', 'readWrite'),
  ]),
]);
