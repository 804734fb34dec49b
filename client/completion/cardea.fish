# Completion of cardea and cardea-sop for fish.

set -l commands decrypt session-key list forget watch lock

complete -c cardea -n "not __fish_seen_subcommand_from $commands" -f -a "$commands"
complete -c cardea -n "not __fish_seen_subcommand_from $commands" -l version -d 'The version'
complete -c cardea -l socket -r -d 'The socket of the agent'
complete -c cardea -l gnupghome -x -a '(__fish_complete_directories)' -d 'The home of gpg'
complete -c cardea -l no-start -d 'Do not start an agent'
complete -c cardea -l json -d 'Answer in JSON'
complete -c cardea -s q -l quiet -d 'Say nothing but errors'
complete -c cardea -l help -d 'A summary'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -s o -l output -r -d 'Write to a file'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l overwrite -d 'Replace the file'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l unwrap -d 'Give out the packets inside'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l session-key -x -d 'Use this session key'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l session-key-file -r -d 'Use a session key in a file'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l certificate -r -d 'What the token does not say'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l accept-unprotected -d 'Read it unprotected'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l max-output -x -d 'Stop at more plaintext than this'
complete -c cardea -n '__fish_seen_subcommand_from decrypt' -l memory-limit -x -d 'Keep at most so much in memory'
complete -c cardea -n '__fish_seen_subcommand_from session-key' -l pkesk -x -d 'Open these packets'
complete -c cardea -n '__fish_seen_subcommand_from session-key' -l certificate -r -d 'What the token does not say'
complete -c cardea -n '__fish_seen_subcommand_from list forget watch lock' -f

complete -c cardea-sop -n __fish_use_subcommand -f -a 'version decrypt'
complete -c cardea-sop -l help -d 'A summary'
complete -c cardea-sop -n '__fish_seen_subcommand_from version' -f -l backend -d 'The version of the library'
complete -c cardea-sop -n '__fish_seen_subcommand_from version' -f -l extended -d 'In more words'
complete -c cardea-sop -n '__fish_seen_subcommand_from decrypt' -l session-key-out -r -d 'Write the session key'
complete -c cardea-sop -n '__fish_seen_subcommand_from decrypt' -l with-session-key -r -d 'Try a session key'
