/** Every component of the catalog passes the contract; a new one is covered by being listed there. */

import { CATALOG } from '../../gateway/catalog.ts'
import { contractOf } from './suite.ts'

for (const entry of CATALOG) contractOf(entry)
