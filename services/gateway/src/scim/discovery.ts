import { SCIM_ENTERPRISE_USER, SCIM_GROUP, SCIM_PAGE, SCIM_USER, type ScimObject } from '#libs/contracts';

const CORE = 'urn:ietf:params:scim:schemas:core:2.0';

interface Facts {
  type?: 'string' | 'boolean' | 'complex' | 'reference';
  multiValued?: boolean;
  required?: boolean;
  caseExact?: boolean;
  mutability?: 'readOnly' | 'readWrite' | 'writeOnly' | 'immutable';
  returned?: 'always' | 'default' | 'never';
  uniqueness?: 'none' | 'server';
  subAttributes?: ScimObject[];
  referenceTypes?: string[];
  canonicalValues?: string[];
}

/** An attribute as RFC 7643 (7) describes one. */
const attribute = (name: string, description: string, facts: Facts = {}): ScimObject => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  ...(facts.type === undefined || facts.type === 'string' ? { caseExact: false } : {}),
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...facts,
});

const named = (name: string) => attribute(name, `The ${name} part of the name.`);

/** A list that names other resources, by id. */
const references = (name: string, description: string, to: 'User' | 'Group', mutability: 'readOnly' | 'readWrite') => {
  const within = mutability === 'readOnly' ? 'readOnly' : 'immutable';
  return attribute(name, description, {
    type: 'complex',
    multiValued: true,
    mutability,
    subAttributes: [
      attribute('value', `Id of the ${to}.`, { mutability: within, caseExact: true }),
      attribute('$ref', `Address of the ${to}.`, { type: 'reference', referenceTypes: [to], mutability: within }),
      attribute('display', 'How it is shown.', { mutability: 'readOnly' }),
      attribute('type', 'What kind of member it is.', { mutability: within }),
    ],
  });
};

const USER_ATTRIBUTES = [
  attribute('userName', 'Name by which the identity provider knows the user; their email unless they differ.', {
    required: true,
    uniqueness: 'server',
  }),
  attribute('name', 'The parts of the name.', {
    type: 'complex',
    subAttributes: ['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix'].map(
      named,
    ),
  }),
  attribute('displayName', 'Name as it is shown everywhere.'),
  attribute('emails', 'One address is kept: the primary one, or else the one for work.', {
    type: 'complex',
    multiValued: true,
    subAttributes: [
      attribute('value', 'The address.', { uniqueness: 'server' }),
      attribute('type', 'Always work.', { canonicalValues: ['work'] }),
      attribute('primary', 'Always true.', { type: 'boolean' }),
    ],
  }),
  attribute('active', 'False deactivates the user, true brings them back.', { type: 'boolean' }),
  attribute('password', 'Taken when the user is made; without one the user is invited by mail.', {
    mutability: 'writeOnly',
    returned: 'never',
    caseExact: true,
  }),
  references('groups', 'The teams that the user is in.', 'Group', 'readOnly'),
];

const schema = (id: string, name: string, description: string, attributes: ScimObject[]): [string, ScimObject] => [
  id,
  { schemas: [`${CORE}:Schema`], id, name, description, attributes },
];

export const SCHEMAS: ReadonlyMap<string, ScimObject> = new Map([
  schema(SCIM_USER, 'User', 'User Account', USER_ATTRIBUTES),
  schema(SCIM_ENTERPRISE_USER, 'EnterpriseUser', 'What an employer says of a user', [
    attribute('employeeNumber', 'The staff id. Unless it is given, the externalId or userName of the beginning.', {
      uniqueness: 'server',
      caseExact: true,
    }),
  ]),
  schema(SCIM_GROUP, 'Group', 'A team', [
    attribute('displayName', 'Name of the team.', { required: true, uniqueness: 'server' }),
    references('members', 'The users in the team.', 'User', 'readWrite'),
  ]),
]);

const resourceType = (name: string, description: string, core: string, extensions: string[]): [string, ScimObject] => [
  name,
  {
    schemas: [`${CORE}:ResourceType`],
    id: name,
    name,
    description,
    endpoint: `/${name}s`,
    schema: core,
    schemaExtensions: extensions.map((extension) => ({ schema: extension, required: false })),
  },
];

export const RESOURCE_TYPES: ReadonlyMap<string, ScimObject> = new Map([
  resourceType('User', 'A user of the account', SCIM_USER, [SCIM_ENTERPRISE_USER]),
  resourceType('Group', 'A team', SCIM_GROUP, []),
]);

export const SERVICE_PROVIDER_CONFIG: ScimObject = {
  schemas: [`${CORE}:ServiceProviderConfig`],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: SCIM_PAGE.most },
  changePassword: { supported: false },
  sort: { supported: true },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'A SCIM token of the account, made at /v1/account/scim-tokens.',
      specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
      primary: true,
    },
  ],
};
