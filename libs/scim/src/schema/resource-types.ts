import { attribute, type AttributeDefinition } from './attribute-definition.js';
import { COMMON_ATTRIBUTES, SCHEMAS } from './schemas.js';
import { SCIM_CORE, SCIM_ENTERPRISE_USER, SCIM_GROUP, SCIM_USER } from '../urns.js';

/** A type of resources (RFC 7643, 6). */
export interface ResourceType {
  schemas: string[];
  id: string;
  name: string;
  description: string;
  endpoint: string;
  schema: string;
  schemaExtensions: { schema: string; required: boolean }[];
}

const resourceType = (
  name: string,
  description: string,
  schema: string,
  extensions: readonly string[],
): ResourceType => ({
  schemas: [`${SCIM_CORE}:ResourceType`],
  id: name,
  name,
  description,
  endpoint: `/${name}s`,
  schema,
  schemaExtensions: extensions.map((extension) => ({ schema: extension, required: false })),
});

export const USER_TYPE = resourceType('User', 'A user of the account', SCIM_USER, [SCIM_ENTERPRISE_USER]);
export const GROUP_TYPE = resourceType('Group', 'A team', SCIM_GROUP, []);

/** By name. */
export const RESOURCE_TYPES: ReadonlyMap<string, ResourceType> = new Map(
  [USER_TYPE, GROUP_TYPE].map((type) => [type.name, type]),
);

/** The attributes of a resource of this type. Those of an extension are in a complex attribute under its URN. */
export function attributesOf({ schema, schemaExtensions }: ResourceType): AttributeDefinition[] {
  const extensions = schemaExtensions.map((extension) => {
    const { id, description, attributes: subAttributes } = SCHEMAS.get(extension.schema)!;
    return attribute(id, description, { type: 'complex', subAttributes });
  });
  return [...COMMON_ATTRIBUTES, ...SCHEMAS.get(schema)!.attributes, ...extensions];
}
