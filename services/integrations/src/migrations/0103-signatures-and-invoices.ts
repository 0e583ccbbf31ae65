import { migration } from '#libs/database';

export const signatureAndInvoiceTables = migration(
  '0103-signatures-and-invoices',
  // A signature stays when its source document is deleted.
  `create table signature (
    id uuid primary key,
    account_id uuid not null,
    document_id uuid references document (id) on delete set null,
    deal_id uuid not null,
    deal_visible_to text not null check (deal_visible_to in ('everyone', 'owner-and-managers')),
    title text not null,
    provider text not null check (provider in ('built-in', 'docusign')),
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index signature_owner on signature (owner_id, id)',
  'create index signature_account on signature (account_id, id)',
  'create index signature_document on signature (document_id) where document_id is not null',
  `create table invoice (
    id uuid primary key,
    account_id uuid not null,
    number text not null,
    amount numeric not null,
    currency text not null,
    owner_id user_ref not null,
    created_at timestamptz not null
  )`,
  'create index invoice_owner on invoice (owner_id, id)',
  'create index invoice_account on invoice (account_id, id)',
);
