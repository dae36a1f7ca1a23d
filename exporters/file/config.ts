/** The keys of the file exporter, those of the Collector's exporter/fileexporter 0.155. */

import {
  choice,
  duration,
  flag,
  integer,
  optional,
  section,
  text,
  type ValueOf,
} from '../../config/schema.ts'

const rotation = section(
  {
    max_megabytes: integer({
      default: 100,
      min: 0,
      doc: 'A file that would grow beyond this is put aside. 0 means 100.',
    }),
    max_days: integer({ default: 0, min: 0, doc: 'Older files are deleted. 0 keeps them.' }),
    max_backups: integer({ default: 100, min: 0, doc: 'More old files than this are deleted. 0 keeps all.' }),
    localtime: flag({ default: false, doc: 'Names of old files have local time instead of UTC.' }),
  },
  { doc: 'Puts the file aside when it has grown large, as path-TIME-size.ext.' },
)

const groupBy = section(
  {
    enabled: flag({ default: false, doc: 'Write to one file for each value of a resource attribute.' }),
    resource_attribute: text({
      default: 'fileexporter.path_segment',
      doc: 'The attribute whose value takes the place of the * in path. Without it a resource is rejected.',
    }),
    max_open_files: integer({
      default: 100,
      min: 1,
      doc: 'More files than this are not kept open at once.',
    }),
  },
  { doc: 'Which file a resource goes to.' },
)

export const config = section(
  {
    path: text({ required: true, doc: 'The file. With group_by it has one * in it.' }),
    format: choice(['json', 'proto'], {
      default: 'json',
      doc: 'json: one line of OTLP/JSON a batch. proto: messages behind their length in four bytes, big endian.',
    }),
    encoding: text({
      default: '',
      doc: 'Id of an encoding extension. None is available yet.',
      check: id => (id === '' ? undefined : [`there is no encoding extension "${id}"`, 'use format']),
    }),
    compression: choice(['', 'zstd'], {
      default: '',
      doc: 'Each batch is compressed by itself; then json too has its length in front instead of a newline behind.',
    }),
    compression_params: section(
      { level: integer({ default: 0, min: 0, max: 22, doc: 'Of zstd. 0 is its default, 3.' }) },
      { doc: 'How hard to compress.' },
    ),
    append: flag({ default: false, doc: 'Keep what is in the file. Off: it is emptied at start.' }),
    flush_interval: duration({
      default: '1s',
      doc: 'Has no effect: every batch is written before it is acknowledged.',
    }),
    create_directory: flag({ default: false, doc: "Make the file's folder at start." }),
    directory_permissions: text({
      default: '',
      doc: 'Of a folder that is made, octal, in quotes; 0755 when empty.',
      check: digits =>
        digits === '' || /^0*[0-7]{1,3}$/.test(digits)
          ? undefined
          : [`"${digits}" is not an octal number up to 777`, 'write for example "0755"'],
    }),
    rotation: optional(rotation),
    group_by: groupBy,
  },
  {
    doc: 'Writes batches to a file.',
    check: (value, check) => {
      const { path, group_by } = value
      if (value.append && value.rotation !== undefined)
        check.error('append', 'does not go with rotation', 'leave it out: a rotated file is never emptied')
      if (value.directory_permissions !== '' && !value.create_directory)
        check.error('directory_permissions', 'needs create_directory', 'set create_directory: true')
      if (!group_by.enabled) return
      if (path.split('*').length !== 2)
        check.error(
          'path',
          'needs exactly one * because group_by is enabled',
          'write for example ./data/*.json',
        )
      else if (path.startsWith('*'))
        check.error('path', 'must not begin with * because group_by is enabled', 'write for example ./*.json')
      if (group_by.resource_attribute === '')
        check.error('group_by', 'has an empty resource_attribute', 'leave it out, or name an attribute')
    },
  },
)

export type FileConfig = ValueOf<typeof config>
