/** An attribute of a schema (RFC 7643, 7). */
export interface AttributeDefinition {
  name: string;
  type: 'string' | 'boolean' | 'dateTime' | 'complex' | 'reference';
  multiValued: boolean;
  description: string;
  required: boolean;
  caseExact?: boolean;
  mutability: 'readOnly' | 'readWrite' | 'writeOnly' | 'immutable';
  returned: 'always' | 'default' | 'never';
  uniqueness: 'none' | 'server';
  subAttributes?: AttributeDefinition[];
  referenceTypes?: string[];
  canonicalValues?: string[];
}

/**
 * An attribute with the default characteristics of RFC 7643 (2.2) unless others are given. References are case-sensitive
 * (2.3.7).
 */
export const attribute = (
  name: string,
  description: string,
  characteristics: Partial<AttributeDefinition> = {},
): AttributeDefinition => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  ...caseExactOf(characteristics.type),
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...characteristics,
});

function caseExactOf(type: AttributeDefinition['type'] = 'string'): { caseExact?: boolean } {
  if (type === 'string') return { caseExact: false };
  return type === 'reference' ? { caseExact: true } : {};
}
