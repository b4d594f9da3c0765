module shipways/tender

go 1.26
