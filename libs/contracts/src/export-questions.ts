import type { Ask } from './lifecycle.js';

/** Where a page of an export ends: after the row of this table with this primary key. */
export interface ExportPosition {
  table: string;
  /** The values of the key's columns, as text. */
  key: string[];
}

/** Asks for the rows that name a user. */
export interface ExportRequest {
  accountId: string;
  userId: string;
  /** `next` of the page before. */
  after: ExportPosition | null;
}

/** Rows of one table. It is personal data: not for logs. */
export interface ExportPart {
  table: string;
  /** The labels of the rules for these rows. */
  labels: string[];
  rows: number;
  /** A line of JSON for each row, with its line break. */
  lines: string;
  /** Columns that are never exported: secrets. */
  withheld: string[];
  /** Rows in which long texts are cut, because one message could not carry them. */
  cut: number;
}

export interface ExportPage {
  /** Also tables without rows, once. */
  parts: ExportPart[];
  next: ExportPosition | null;
  /** With the first page: tables that name users and are not exported, with the reason. */
  omitted?: Record<string, string>;
}

/** A page of the rows of a service that name a user, table by table. */
export const exportOf = (service: string): Ask<ExportRequest, ExportPage> => ({
  service,
  subject: `lifecycle.${service}.export`,
  timeout: 20_000,
  calledBy: ['identity'],
});
